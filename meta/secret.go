package meta

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"orgflow"
	"orgflow/internal/secretfile"
	"orgflow/schemas"
)

// reference finds ${NAME} and ${file:/path}; $${ is a literal ${.
var reference = regexp.MustCompile(`\$?\$\{[^}]*\}?`)

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Expand replaces the references in a text: ${NAME} by the environment's
// value, ${NAME:-default} by that or the default, ${file:/run/secrets/x} by
// what the file holds now, without the line breaks at its end. $${ stands for
// a literal ${. A missing or empty one is an error that names the reference,
// the file and the pointer it stands at, never a value.
func (s *Store) Expand(file, pointer, text string) (string, error) {
	expanded, err := s.expand(text)
	if err != nil {
		return "", configError(orgflow.Problem{File: file, Pointer: pointer, Message: err.Error()})
	}
	return expanded, nil
}

func (s *Store) expand(text string) (string, error) {
	var first error
	expanded := reference.ReplaceAllStringFunc(text, func(match string) string {
		if strings.HasPrefix(match, "$$") {
			return match[1:]
		}
		value, err := s.secret(match)
		if err != nil && first == nil {
			first = err
		}
		return value
	})
	if first != nil {
		return "", first
	}
	return expanded, nil
}

// Secret resolves one reference, "${NAME}" or "${file:/path}". Its errors
// name the reference only.
func (s *Store) Secret(ref string) (string, error) {
	value, err := s.secret(ref)
	if err != nil {
		return "", &orgflow.Fault{Code: orgflow.CodeInvalidConfig, Message: err.Error()}
	}
	return value, nil
}

func (s *Store) secret(ref string) (string, error) {
	value, err := s.lookUp(ref)
	if s.resolved != nil && value != "" {
		s.resolved(ref, value)
	}
	return value, err
}

func (s *Store) lookUp(ref string) (string, error) {
	name, ok := strings.CutPrefix(ref, "${")
	name, closed := strings.CutSuffix(name, "}")
	path, isFile := strings.CutPrefix(name, "file:")
	name, fallback, _ := strings.Cut(name, ":-")
	switch {
	case !ok || !closed || (!isFile && !envName.MatchString(name)):
		return "", errors.New("has a reference that is not ${NAME}, ${NAME:-default} or ${file:/path}; write $${ for a literal ${")
	case isFile:
		return secretfile.Read(path)
	}
	value, set := s.getenv(name)
	if !set || value == "" {
		value = fallback
	}
	if value == "" {
		return "", fmt.Errorf("refers to %s, which is not set in the environment", ref)
	}
	return value, nil
}

// decode resolves the references inside a part of the company's file and
// stores it in into.
func (c Company) decode(pointer string, raw json.RawMessage, into any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return configError(schemas.At(c.file.path, c.file.raw, pointer, "cannot be read"))
	}
	var problems []orgflow.Problem
	tree = expandTree(tree, pointer, func(at, text string) string {
		value, err := c.store.expand(text)
		if err != nil {
			problems = append(problems, schemas.At(c.file.path, c.file.raw, at, err.Error()))
		}
		return value
	})
	if len(problems) > 0 {
		return configError(problems...)
	}
	resolved, err := json.Marshal(tree)
	if err != nil {
		return configError(schemas.At(c.file.path, c.file.raw, pointer, "cannot be read"))
	}
	if err := json.Unmarshal(resolved, into); err != nil {
		return configError(schemas.At(c.file.path, c.file.raw, pointer+wrongField(err), "has another type than the connector expects"))
	}
	return nil
}

// wrongField returns the pointer of the value that did not fit. The error's
// own text is not used: it may repeat the value.
func wrongField(err error) string {
	var wrong *json.UnmarshalTypeError
	if !errors.As(err, &wrong) || wrong.Field == "" {
		return ""
	}
	return "/" + strings.ReplaceAll(wrong.Field, ".", "/")
}

// expandTree applies expand to every text of a decoded JSON value, in a
// stable order.
func expandTree(v any, pointer string, expand func(pointer, text string) string) any {
	switch v := v.(type) {
	case string:
		return expand(pointer, v)
	case []any:
		for i, item := range v {
			v[i] = expandTree(item, pointer+"/"+strconv.Itoa(i), expand)
		}
	case map[string]any:
		keys := make([]string, 0, len(v))
		for key := range v {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for _, key := range keys {
			v[key] = expandTree(v[key], pointer+"/"+schemas.Escape(key), expand)
		}
	}
	return v
}

// clearPassword tells whether a text is a URL with a password that is no
// reference.
func clearPassword(text string) bool {
	_, rest, isURL := strings.Cut(text, "://")
	authority, _, _ := strings.Cut(rest, "/")
	at := strings.LastIndexByte(authority, '@')
	if !isURL || at < 0 {
		return false
	}
	_, password, _ := strings.Cut(authority[:at], ":")
	return password != "" && !strings.Contains(password, "${")
}
