package approval

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

// Target is where a rejection leads: the initiator (the flow is RETURNED), an
// earlier node, or the end (the flow is REJECTED). In JSON it is "initiator"
// or 0, a seq, or "end". The zero value is the initiator.
type Target struct {
	Seq int  // StartSeq for the initiator
	End bool // REJECTED, for good; Seq is 0
}

// The targets that are not nodes to be visited again.
var (
	ToInitiator = Target{Seq: StartSeq}
	ToEnd       = Target{End: true}
)

// ToNode returns the target that visits a node again.
func ToNode(seq int) Target { return Target{Seq: seq} }

// Initiator tells whether the target is the initiator.
func (t Target) Initiator() bool { return !t.End && t.Seq == StartSeq }

// String returns the target as it stands in definitions, without quotes.
func (t Target) String() string {
	switch {
	case t.End:
		return "end"
	case t.Seq == StartSeq:
		return "initiator"
	}
	return strconv.Itoa(t.Seq)
}

// MarshalJSON writes "initiator", "end" or a seq.
func (t Target) MarshalJSON() ([]byte, error) {
	if t.End || t.Seq == StartSeq {
		return json.Marshal(t.String())
	}
	return json.Marshal(t.Seq)
}

// UnmarshalJSON reads "initiator", "end" or a seq.
func (t *Target) UnmarshalJSON(raw []byte) error {
	switch {
	case bytes.Equal(raw, []byte(`"initiator"`)):
		*t = ToInitiator
		return nil
	case bytes.Equal(raw, []byte(`"end"`)):
		*t = ToEnd
		return nil
	}
	seq, err := strconv.Atoi(string(raw))
	if err != nil || seq < 0 {
		return fmt.Errorf(`target %s is not "initiator", "end" or a node's seq`, raw)
	}
	*t = ToNode(seq)
	return nil
}

// MarshalJSON writes a level or "top".
func (c ChainEnd) MarshalJSON() ([]byte, error) {
	if c == ChainTop {
		return []byte(`"top"`), nil
	}
	return json.Marshal(int(c))
}

// UnmarshalJSON reads a level or "top".
func (c *ChainEnd) UnmarshalJSON(raw []byte) error {
	if bytes.Equal(raw, []byte(`"top"`)) {
		*c = ChainTop
		return nil
	}
	level, err := strconv.Atoi(string(raw))
	if err != nil || level < 1 {
		return fmt.Errorf(`level %s is not "top" or a number from 1 on`, raw)
	}
	*c = ChainEnd(level)
	return nil
}

// MarshalJSON writes true, false or "allTaken".
func (w Wait) MarshalJSON() ([]byte, error) {
	if w == WaitChild || w == WaitNot {
		return []byte(w), nil
	}
	return json.Marshal(string(w))
}

// UnmarshalJSON reads true, false or "allTaken".
func (w *Wait) UnmarshalJSON(raw []byte) error {
	switch string(raw) {
	case "true", "false":
		*w = Wait(raw)
		return nil
	case `"allTaken"`:
		*w = WaitAllTaken
		return nil
	}
	return fmt.Errorf(`wait %s is not "allTaken", true or false`, raw)
}
