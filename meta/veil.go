package meta

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"orgflow"
)

// Veil returns JSON indented, its keys in their order, without what may be a
// secret somebody wrote in clear text: the values of keys that are named like
// one, and all of what goes along with every call (settings, auth, headers).
// Of those only references remain (${NAME}, without its default; {name}). URLs
// lose their passwords and parameters.
func Veil(raw []byte) (string, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	v := veil{dec: dec}
	if err := v.value(nil, 0); err != nil {
		return "", fmt.Errorf("veil: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return "", fmt.Errorf("veil: more than one value")
	}
	return v.out.String(), nil
}

type veil struct {
	dec *json.Decoder
	out strings.Builder
}

func (v *veil) value(path []string, depth int) error {
	token, err := v.dec.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('{'):
		return v.list(path, depth, '{', '}')
	case json.Delim('['):
		return v.list(path, depth, '[', ']')
	}
	return v.write(shownOf(path, token))
}

// list writes an object or array; the opening token is read.
func (v *veil) list(path []string, depth int, open, end byte) error {
	v.out.WriteByte(open)
	n := 0
	for ; v.dec.More(); n++ {
		if n > 0 {
			v.out.WriteByte(',')
		}
		v.line(depth + 1)
		below := path
		if open == '{' {
			key, err := v.dec.Token()
			if err != nil {
				return err
			}
			if err := v.write(key); err != nil {
				return err
			}
			v.out.WriteString(": ")
			below = append(slices.Clone(path), key.(string)) // an object's tokens alternate, the decoder sees to it
		}
		if err := v.value(below, depth+1); err != nil {
			return err
		}
	}
	if _, err := v.dec.Token(); err != nil {
		return err
	}
	if n > 0 {
		v.line(depth)
	}
	v.out.WriteByte(end)
	return nil
}

func (v *veil) line(depth int) { v.out.WriteString("\n" + strings.Repeat("  ", depth)) }

func (v *veil) write(scalar any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(scalar); err != nil {
		return err
	}
	v.out.Write(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
	return nil
}

var (
	// secretName are keys whose value is a secret, lower case, without _ and -.
	secretName = regexp.MustCompile(`(token|secret|password|passwd|pwd|credential|credentials|(api|app|aes|private|access|sign|signing|encrypt|encryption|payload|partner|client)key|dsn|authorization|cookie|signature)$`)
	// secretPlaces hold what goes along with calls: one name of their own per system.
	secretPlaces = []string{"settings", "auth", "headers", "header", "signing"}
	// plainNames are what in such places only says how it is done.
	plainNames = []string{"mode", "preset", "type", "kind", "in", "name", "content-type", "accept"}

	// placeholder is filled in by a declarative consumer: "{settings.token}".
	placeholder = regexp.MustCompile(`\{[a-z][A-Za-z0-9_.|:]*\}`)

	urlUser  = regexp.MustCompile(`(://)[^/\s@?#]*@`)
	urlQuery = regexp.MustCompile(`([?&][^=&\s]*=)([^&\s]*)`)
)

// shownOf is a scalar as it may be shown at a place.
func shownOf(path []string, scalar any) any {
	text, isText := scalar.(string)
	if !isText {
		if scalar == nil || len(path) == 0 || !namedSecret(path[len(path)-1]) {
			return scalar
		}
		return orgflow.Masked
	}
	if secret(path) && text != "" {
		if placeholder.ReplaceAllString(referenceName.ReplaceAllString(text, ""), "") != "" {
			return orgflow.Masked
		}
		return referenceName.ReplaceAllString(text, "$${$1}")
	}
	if !strings.Contains(text, "://") {
		return text
	}
	text = urlUser.ReplaceAllString(text, "${1}"+orgflow.Masked+"@")
	return urlQuery.ReplaceAllStringFunc(text, func(parameter string) string {
		name, value, _ := strings.Cut(parameter, "=")
		if strings.HasPrefix(value, "{") || value == "" || !namedSecret(name) && !strings.Contains(value, "$") {
			return parameter
		}
		return name + "=" + orgflow.Masked
	})
}

func secret(path []string) bool {
	if len(path) == 0 {
		return false
	}
	last := path[len(path)-1]
	if namedSecret(last) {
		return true
	}
	return !slices.Contains(plainNames, strings.ToLower(last)) &&
		slices.ContainsFunc(path, func(key string) bool { return slices.Contains(secretPlaces, strings.ToLower(key)) })
}

func namedSecret(key string) bool {
	return secretName.MatchString(strings.NewReplacer("_", "", "-", "", ".", "").Replace(strings.ToLower(key)))
}
