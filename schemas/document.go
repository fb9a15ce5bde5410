package schemas

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"orgflow"
)

// maxDepth bounds the nesting of a document; no schema needs a tenth of it.
const maxDepth = 100

// document is a parsed JSON text that knows where each value stands.
type document struct {
	file    string
	raw     []byte         // without byte order mark
	value   any            // numbers as json.Number
	offsets map[string]int // JSON pointer → offset of the value's first byte
}

// TrimBOM cuts a byte order mark, which editors on Windows like to write.
func TrimBOM(raw []byte) []byte { return bytes.TrimPrefix(raw, []byte("\xEF\xBB\xBF")) }

// parse reads strict JSON. Its problems are those of the text itself.
func parse(file string, raw []byte) (*document, []orgflow.Problem) {
	d := &document{file: file, raw: TrimBOM(raw), offsets: map[string]int{}}
	if at := invalidUTF8(d.raw); at >= 0 {
		return nil, []orgflow.Problem{d.problemAt(at, "", "is not valid UTF-8; save the file as UTF-8")}
	}
	if len(bytes.TrimSpace(d.raw)) == 0 {
		return nil, []orgflow.Problem{d.problemAt(0, "", "is empty; must be a JSON object")}
	}
	var whole json.RawMessage
	if err := json.Unmarshal(d.raw, &whole); err != nil {
		return nil, []orgflow.Problem{d.syntaxProblem(err)}
	}
	dec := json.NewDecoder(bytes.NewReader(d.raw))
	dec.UseNumber()
	w := walker{dec: dec, doc: d}
	value, err := w.value("", 0)
	if err != nil {
		return nil, []orgflow.Problem{d.problemAt(w.end, "", err.Error())}
	}
	if len(w.problems) > 0 {
		return nil, d.ordered(w.problems)
	}
	d.value = value
	return d, nil
}

func invalidUTF8(raw []byte) int {
	for at := 0; at < len(raw); {
		r, size := utf8.DecodeRune(raw[at:])
		if r == utf8.RuneError && size <= 1 {
			return at
		}
		at += size
	}
	return -1
}

// walker reads a value token by token, notes where values stand, and what no
// schema can see: duplicate keys and numbers out of range.
type walker struct {
	dec      *json.Decoder
	doc      *document
	end      int // offset behind the last token read
	problems []orgflow.Problem
}

// errDepth stops at a document nested deeper than maxDepth.
var errDepth = fmt.Errorf("is nested too deeply (at most %d levels)", maxDepth)

func (w *walker) token() (json.Token, int, error) {
	at := w.doc.skipSpace(w.end)
	t, err := w.dec.Token()
	w.end = int(w.dec.InputOffset())
	return t, at, err
}

func (w *walker) value(pointer string, depth int) (any, error) {
	t, at, err := w.token()
	if err != nil {
		return nil, err
	}
	w.doc.offsets[pointer] = at
	if n, ok := t.(json.Number); ok && !reasonable(n) {
		w.add(at, pointer, "is a number out of range")
		return json.Number("0"), nil
	}
	delim, ok := t.(json.Delim)
	if !ok {
		return t, nil
	}
	if depth == maxDepth {
		return nil, errDepth
	}
	if delim == '[' {
		return w.list(pointer, depth)
	}
	return w.object(pointer, depth)
}

func (w *walker) add(at int, pointer, message string) {
	w.problems = append(w.problems, w.doc.problemAt(at, pointer, message))
}

// reasonable refuses numbers whose exact value would fill the memory, such
// as 1e999999999: the schema compares exact values.
func reasonable(n json.Number) bool {
	digits, exponent, _ := strings.Cut(strings.ToLower(n.String()), "e")
	if exponent == "" {
		exponent = "0"
	}
	e, err := strconv.Atoi(exponent)
	return len(digits) <= 100 && err == nil && -300 <= e && e <= 300
}

func (w *walker) list(pointer string, depth int) (any, error) {
	list := []any{}
	for w.dec.More() {
		v, err := w.value(pointer+"/"+strconv.Itoa(len(list)), depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, _, err := w.token() // the closing bracket
	return list, err
}

func (w *walker) object(pointer string, depth int) (any, error) {
	object := map[string]any{}
	for w.dec.More() {
		t, at, err := w.token()
		if err != nil {
			return nil, err
		}
		key, _ := t.(string)
		child := pointer + "/" + Escape(key)
		if _, twice := object[key]; twice {
			w.add(at, child, fmt.Sprintf("key %q stands twice; keep one", key))
		}
		v, err := w.value(child, depth+1)
		if err != nil {
			return nil, err
		}
		object[key] = v
	}
	_, _, err := w.token()
	return object, err
}

// skipSpace returns the offset of the next token: behind white space and the
// separators that the decoder does not report as tokens.
func (d *document) skipSpace(at int) int {
	for at < len(d.raw) && strings.IndexByte(" \t\r\n,:", d.raw[at]) >= 0 {
		at++
	}
	return at
}

// syntaxProblem says where the text stops being JSON, and why.
func (d *document) syntaxProblem(err error) orgflow.Problem {
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return d.problemAt(0, "", "is not valid JSON")
	}
	return d.explainSyntax(syntax)
}

func (d *document) explainSyntax(err *json.SyntaxError) orgflow.Problem {
	at := max(int(err.Offset)-1, 0)
	text := err.Error()
	switch {
	case strings.HasPrefix(text, "unexpected end"):
		return d.problemAt(len(d.raw), "", "is not valid JSON: it ends in the middle; a closing bracket, brace or quote is missing")
	case at < len(d.raw) && (d.raw[at] == '#' || d.raw[at] == '/'):
		return d.problemAt(at, "", "is not valid JSON: comments are not allowed")
	case strings.Contains(text, "after object key:value pair"), strings.Contains(text, "after array element"):
		return d.problemAt(at, "", "is not valid JSON: a comma or a closing bracket is missing before this place")
	case strings.Contains(text, "looking for beginning of object key"):
		return d.problemAt(at, "", `is not valid JSON: a key in double quotes must stand here (no comma before "}")`)
	case strings.Contains(text, "after top-level value"):
		return d.problemAt(at, "", "must end after the first JSON value; remove what follows")
	case strings.Contains(text, "in string literal"):
		return d.problemAt(at, "", "is not valid JSON: line breaks and control characters in a text must be written as \\n, \\t …")
	}
	return d.problemAt(at, "", "is not valid JSON: a value, in double quotes if it is a text, must stand here (no comma before a closing bracket)")
}

// decodeProblem explains why a document that passed its schema does not fit
// its Go type: a whole number written as 1.0 or 1e3.
func (d *document) decodeProblem(err error) orgflow.Problem {
	var t *json.UnmarshalTypeError
	if errors.As(err, &t) {
		pointer := ""
		if t.Field != "" {
			pointer = "/" + strings.ReplaceAll(t.Field, ".", "/")
		}
		want := "a value of another type"
		if strings.HasPrefix(t.Type.String(), "int") {
			want = "a whole number, written without point and exponent"
		}
		return d.problem(pointer, "must be "+want)
	}
	return d.problem("", "cannot be read: "+err.Error())
}

// problem is a finding at a pointer, or at its nearest ancestor in the text.
func (d *document) problem(pointer, message string) orgflow.Problem {
	at, known := d.offsets[pointer]
	for p := pointer; !known && p != ""; at, known = d.offsets[p] {
		p = p[:strings.LastIndexByte(p, '/')]
	}
	return d.problemAt(at, pointer, message)
}

func (d *document) problemAt(at int, pointer, message string) orgflow.Problem {
	at = min(at, len(d.raw))
	line := 1 + bytes.Count(d.raw[:at], []byte("\n"))
	start := bytes.LastIndexByte(d.raw[:at], '\n') + 1
	return orgflow.Problem{
		File: d.file, Line: line, Column: 1 + utf8.RuneCount(d.raw[start:at]),
		Pointer: pointer, Message: message,
	}
}

// Escape makes a key a segment of a JSON pointer (RFC 6901).
func Escape(key string) string {
	return strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
}

func unescape(segment string) string {
	return strings.ReplaceAll(strings.ReplaceAll(segment, "~1", "/"), "~0", "~")
}
