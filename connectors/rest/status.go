package rest

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// Status is an HTTP status, or a class of them: 404, "2xx".
type Status struct{ low, high int }

// UnmarshalJSON reads a number or a text.
func (s *Status) UnmarshalJSON(raw []byte) error {
	text := strings.Trim(string(raw), `"`)
	if class, isClass := strings.CutSuffix(text, "xx"); isClass && len(class) == 1 && class >= "1" && class <= "5" {
		s.low = int(class[0]-'0') * 100
		s.high = s.low + 99
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 100 || n > 599 {
		return errors.New(`a status is a number such as 404, or a class such as "2xx"`)
	}
	s.low, s.high = n, n
	return nil
}

// MarshalJSON writes what UnmarshalJSON reads.
func (s Status) MarshalJSON() ([]byte, error) {
	if s.low == s.high {
		return json.Marshal(s.low)
	}
	return json.Marshal(strconv.Itoa(s.low/100) + "xx")
}

// First is a status it holds for.
func (s Status) First() int { return s.low }

func (s Status) holds(status int) bool { return status >= s.low && status <= s.high }
