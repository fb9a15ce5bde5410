package signing

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Moment is what a signature takes from the world: when it is made, and what
// nobody can guess.
type Moment struct {
	Now    time.Time
	Random [16]byte
	// Nonce, if not empty, is used instead of one made of Random.
	Nonce string
}

const defaultZone = "Asia/Shanghai"

func zone(name string) (*time.Location, error) {
	if name == "" {
		name = defaultZone
	}
	return time.LoadLocation(name)
}

// clock refuses a layout that would write the same text at any time.
func (c *check) clock(layout string) {
	switch layout {
	case "", "s", "ms":
		return
	}
	a, b := time.Date(2001, 3, 4, 5, 6, 7, 0, time.UTC), time.Date(2012, 11, 13, 14, 15, 16, 0, time.UTC)
	if a.Format(layout) == b.Format(layout) {
		c.refuse("/clock", "is %q, allowed are s, ms and Go layouts such as 20060102150405", layout)
	}
}

// timestamp writes the moment as the scheme wants it.
func (s *Scheme) timestamp(m Moment) (string, error) {
	switch s.Clock {
	case "", "s":
		return strconv.FormatInt(m.Now.Unix(), 10), nil
	case "ms":
		return strconv.FormatInt(m.Now.UnixMilli(), 10), nil
	}
	loc, err := zone(s.Zone)
	if err != nil {
		return "", fmt.Errorf("signing: %w", err)
	}
	return m.Now.In(loc).Format(s.Clock), nil
}

func (s *Scheme) nonce(m Moment, timestamp string) string {
	switch {
	case m.Nonce != "":
		return m.Nonce
	case s.Nonce == "timestamp":
		return timestamp
	}
	text := hex.EncodeToString(m.Random[:])
	if s.Nonce != "uuid" {
		return text
	}
	b := m.Random
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	text = hex.EncodeToString(b[:])
	return strings.Join([]string{text[:8], text[8:12], text[12:16], text[16:20], text[20:]}, "-")
}
