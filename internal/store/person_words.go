package store

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// erasedWord stands where a name or number of an erased person stood.
const erasedWord = "[erased]"

// erasedPrefix begins what stands in place of an erased person's ids.
const erasedPrefix = "erased-"

// words are the texts by which somebody is known.
type words struct {
	names  map[string]bool // shared with others: looked for in the person's own affairs only
	unique map[string]bool // numbers and addresses that one person has at a time
}

func newWords() *words { return &words{names: map[string]bool{}, unique: map[string]bool{}} }

// Keys by which sources and consumers say what a value is. Ids are not among
// them: those are known before (see tx.find), and a key such as
// manager_userid tells somebody else's.
var (
	nameKey   = regexp.MustCompile(`(?i)^(name|user_?name|display_?name|nick_?name|real_?name|full_?name)$`)
	uniqueKey = regexp.MustCompile(`(?i)^((personal|private|work|office|home|biz|org)_?)?(mobile|phone|telephone|tel|e?mail|id_?card|identity|identity_?card|card|passport|union_?id|open_?id)(_?(no|number|phone|address))?$|^(手机|电话|邮箱|身份证|证件)(号|号码)?$`)
)

// read gathers words from JSON about the person: from the top, from "fields"
// and "ext", and from what a field was and became. Deeper down others begin: a
// department, a manager.
func (w *words) read(text string) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var doc map[string]any
	if dec.Decode(&doc) == nil {
		w.walk(doc, "")
	}
}

func (w *words) walk(doc map[string]any, label string) {
	for key, v := range doc {
		if label != "" && key != "before" && key != "after" {
			continue
		}
		now := key
		if label != "" {
			now = label
		}
		switch v := v.(type) {
		case map[string]any:
			switch {
			case label != "":
			case key == "fields", key == "ext":
				w.walk(v, "")
			case nameKey.MatchString(key), uniqueKey.MatchString(key):
				w.walk(v, key)
			}
		case string:
			w.take(now, v)
		case json.Number:
			w.take(now, v.String())
		}
	}
}

func (w *words) take(label, text string) {
	text = strings.TrimSpace(text)
	if nameKey.MatchString(label) {
		w.addName(text)
	}
	if uniqueKey.MatchString(label) {
		w.addUnique(text)
	}
}

func (w *words) addName(text string) {
	if len([]rune(text)) >= 2 {
		w.names[text] = true
	}
}

// addUnique takes what is long enough not to be met by accident.
func (w *words) addUnique(text string) {
	if telling(text) && !strings.Contains(text, "*") {
		w.unique[text] = true
	}
}

// telling tells whether a text identifies somebody wherever it stands: eight
// digits, or four characters of which one is no digit.
func telling(text string) bool {
	digits := strings.Trim(text, "0123456789") == ""
	return digits && len(text) >= 8 || !digits && len(text) >= 4
}

// eraser replaces words in texts.
type eraser struct {
	with map[string]string // word → what stands there instead
	bare []string          // words that stand alone, longest first
	free []string          // names, which have no edges in Chinese
}

func newEraser(bare map[string]string, names map[string]bool) *eraser {
	e := &eraser{with: map[string]string{}}
	for word, instead := range bare {
		e.with[word], e.bare = instead, append(e.bare, word)
	}
	for name := range names {
		if e.with[name] == "" {
			e.with[name], e.free = erasedWord, append(e.free, name)
		}
	}
	longest := func(a, b string) int { return len(b) - len(a) }
	slices.SortFunc(e.bare, longest)
	slices.SortFunc(e.free, longest)
	return e
}

// erase returns the text without the words; with names too where own. A text
// that was JSON stays JSON.
func (e *eraser) erase(text string, own bool) string {
	out := text
	for _, w := range e.bare {
		out = replaceBare(out, w, e.with[w])
	}
	if own {
		for _, w := range e.free {
			out = strings.ReplaceAll(out, w, e.with[w])
		}
	}
	if out != text && json.Valid([]byte(text)) && !json.Valid([]byte(out)) {
		return e.eraseNumbers(text, own)
	}
	return out
}

// eraseNumbers erases in JSON in which a word stands as a number.
func (e *eraser) eraseNumbers(text string, own bool) string {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return erasedWord
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(e.inJSON(v, own)) != nil {
		return erasedWord
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (e *eraser) inJSON(v any, own bool) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[e.erase(k, own)] = e.inJSON(x, own)
		}
		return out
	case []any:
		for i, x := range v {
			v[i] = e.inJSON(x, own)
		}
	case string:
		return e.erase(v, own)
	case json.Number:
		if instead, ok := e.with[v.String()]; ok {
			return instead
		}
	}
	return v
}

// replaceBare replaces a word where it is not part of a longer one.
func replaceBare(text, word, with string) string {
	var b strings.Builder
	done := 0
	for from := 0; ; {
		at := strings.Index(text[from:], word)
		if at < 0 {
			b.WriteString(text[done:])
			return b.String()
		}
		at += from
		end := at + len(word)
		alone := (at == 0 || edge(text[at-1], word[0])) && (end == len(text) || edge(text[end], word[len(word)-1]))
		if !alone {
			from = at + 1
			continue
		}
		b.WriteString(text[done:at] + with)
		done, from = end, end
	}
}

// edge tells whether a word that ends, or begins, with the letter own may
// stand beside a byte.
func edge(beside, own byte) bool { return !letter(beside) || !letter(own) }

func letter(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
