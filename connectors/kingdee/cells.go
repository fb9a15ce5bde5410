package kingdee

import (
	"encoding/json"
	"errors"
	"fmt"
)

// splitRows takes the rows of an answer apart, which must be valid JSON. The
// cells are parts of the body and not copies, so that a page costs little
// more than its bytes, and no number passes through a float. Anything but
// rows of width plain values is an error; no row at all is [].
func splitRows(body []byte, width int) ([][]json.RawMessage, error) {
	s := scanner{body: body}
	if s.next() != '[' {
		return nil, errors.New("it is no list of rows")
	}
	s.at++
	var rows [][]json.RawMessage
	var pool []json.RawMessage
	for s.next() != ']' {
		if s.next() != '[' {
			return nil, fmt.Errorf("row %d is no list", len(rows))
		}
		s.at++
		if cap(pool)-len(pool) < width {
			pool = make([]json.RawMessage, 0, max(width, min(len(body)/4, 1<<16)))
		}
		from := len(pool)
		for s.next() != ']' {
			cell := s.value()
			if cell[0] == '[' || cell[0] == '{' {
				return nil, fmt.Errorf("row %d holds a cell that is no plain value", len(rows))
			}
			if len(pool)-from == width {
				return nil, fmt.Errorf("row %d has more than the %d cells asked for", len(rows), width)
			}
			pool = append(pool, json.RawMessage(cell))
		}
		s.at++
		if len(pool)-from != width {
			return nil, fmt.Errorf("row %d has %d cells, %d were asked for", len(rows), len(pool)-from, width)
		}
		rows = append(rows, pool[from:len(pool):len(pool)])
	}
	return rows, nil
}

// firstElement returns the first element of a list, and whether it is the
// only one; nothing for an empty list and anything else.
func firstElement(valid []byte) (first []byte, only bool) {
	s := scanner{body: valid}
	if s.next() != '[' {
		return nil, false
	}
	s.at++
	if s.next() == ']' {
		return nil, false
	}
	first = s.value()
	return first, s.next() == ']'
}

// scanner walks over JSON that is known to be valid.
type scanner struct {
	body []byte
	at   int
}

// next passes over white space and commas, and returns the byte there.
func (s *scanner) next() byte {
	for s.at < len(s.body) {
		switch s.body[s.at] {
		case ' ', '\t', '\r', '\n', ',':
			s.at++
		default:
			return s.body[s.at]
		}
	}
	return ']' // the end, which valid JSON does not reach
}

// value passes over the value that begins here.
func (s *scanner) value() []byte {
	from, depth := s.at, 0
	for s.at < len(s.body) {
		switch s.body[s.at] {
		case '"':
			s.text()
		case '[', '{':
			depth++
			s.at++
		case ']', '}':
			depth--
			s.at++
		case ' ', '\t', '\r', '\n', ',', ':':
			s.at++
		default:
			s.word()
		}
		if depth <= 0 {
			break
		}
	}
	return s.body[from:s.at:s.at]
}

func (s *scanner) text() {
	for s.at++; s.body[s.at] != '"'; s.at++ {
		if s.body[s.at] == '\\' {
			s.at++
		}
	}
	s.at++
}

// word is a number, true, false or null.
func (s *scanner) word() {
	for s.at < len(s.body) {
		switch c := s.body[s.at]; {
		case c == ',' || c == ']' || c == '}' || c <= ' ' || c == ':':
			return
		}
		s.at++
	}
}
