package temporalx

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
)

// Action is what has to be done with a schedule.
type Action string

// The actions of a plan.
const (
	ActionCreate    Action = "create"
	ActionUpdate    Action = "update"
	ActionDelete    Action = "delete"
	ActionUnchanged Action = "unchanged"
)

// Difference is one line of a plan.
type Difference struct {
	ID     string `json:"id"`
	Action Action `json:"action"`
	// Fields tells what an update changes.
	Fields []FieldDifference `json:"fields,omitempty"`

	want Schedule // of a create or update, with defaults
}

// FieldDifference is one changed field, as people read it.
type FieldDifference struct {
	Field  string `json:"field"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// fieldText is a field of a schedule written as text, in a canonical form:
// two schedules are the same when all their texts are.
type fieldText struct{ name, text string }

// wantedTexts describes a valid schedule with defaults.
func wantedTexts(s Schedule) ([]fieldText, error) {
	spec, err := s.Spec.resolve()
	if err != nil {
		return nil, err
	}
	return texts(described{
		spec: spec, overlap: overlaps[s.Overlap], catchup: time.Duration(s.CatchupWindow), pauseOnFailure: s.PauseOnFailure,
		workflow: s.Workflow, input: canonicalJSON(s.Input), workflowID: s.WorkflowID, taskQueue: s.TaskQueue,
		attributes: s.SearchAttributes,
	}), nil
}

// presentTexts describes a schedule of the service.
func presentTexts(found client.Schedule, dc converter.DataConverter) []fieldText {
	d := described{
		spec: *found.Spec, overlap: found.Policy.Overlap, catchup: found.Policy.CatchupWindow,
		pauseOnFailure: found.Policy.PauseOnFailure,
	}
	if action, ok := found.Action.(*client.ScheduleWorkflowAction); ok {
		d.workflow, _ = action.Workflow.(string) // documented to be the name
		d.input = inputText(action.Args, dc)
		d.workflowID, d.taskQueue = action.ID, action.TaskQueue
		d.attributes = keywordTexts(action.TypedSearchAttributes)
	}
	return texts(d)
}

// described is what both sides of a comparison have in common.
type described struct {
	spec           client.ScheduleSpec
	overlap        enumspb.ScheduleOverlapPolicy
	catchup        time.Duration
	pauseOnFailure bool
	workflow       string
	input          string
	workflowID     string
	taskQueue      string
	attributes     map[string]string
}

func texts(d described) []fieldText {
	zone := d.spec.TimeZoneName
	if zone == "" {
		zone = "UTC"
	}
	return []fieldText{
		{"calendars", calendarsText(d.spec.Calendars)},
		{"intervals", intervalsText(d.spec.Intervals)},
		{"skip", calendarsText(d.spec.Skip)},
		{"time_zone", zone},
		{"jitter", d.spec.Jitter.String()},
		{"start_at", timeText(d.spec.StartAt)},
		{"end_at", timeText(d.spec.EndAt)},
		{"overlap", overlapText(d.overlap)},
		{"catchup_window", d.catchup.String()},
		{"pause_on_failure", fmt.Sprint(d.pauseOnFailure)},
		{"workflow", d.workflow},
		{"input", d.input},
		{"workflow_id", d.workflowID},
		{"task_queue", d.taskQueue},
		{"search_attributes", attributesText(d.attributes)},
	}
}

// compare lists the fields whose texts differ.
func compare(before, after []fieldText) []FieldDifference {
	var out []FieldDifference
	for i, b := range before {
		if b.text != after[i].text {
			out = append(out, FieldDifference{Field: b.name, Before: b.text, After: after[i].text})
		}
	}
	return out
}

func calendarsText(in []client.ScheduleCalendarSpec) string {
	out := make([]string, len(in))
	for i, c := range in {
		out[i] = calendarText(c)
	}
	slices.Sort(out)
	return strings.Join(out, "; ")
}

func intervalsText(in []client.ScheduleIntervalSpec) string {
	out := make([]string, len(in))
	for i, v := range in {
		out[i] = "every " + v.Every.String()
		if v.Offset != 0 {
			out[i] += " + " + v.Offset.String()
		}
	}
	slices.Sort(out)
	return strings.Join(out, "; ")
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func overlapText(policy enumspb.ScheduleOverlapPolicy) string {
	for name, p := range overlaps {
		if p == policy {
			return name
		}
	}
	return "skip" // unspecified
}

func attributesText(in map[string]string) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(in)) {
		out = append(out, name+"="+in[name])
	}
	return strings.Join(out, " ")
}

func keywordTexts(in temporal.SearchAttributes) map[string]string {
	out := make(map[string]string)
	for key, value := range in.GetUntypedValues() {
		out[key.GetName()] = fmt.Sprint(value)
	}
	return out
}

// inputText shows the arguments of a schedule's workflow. Payloads of
// another key or form show as such and therefore count as different.
func inputText(args []any, dc converter.DataConverter) string {
	if len(args) != 1 {
		return fmt.Sprintf("(%d arguments)", len(args))
	}
	payload, ok := args[0].(*commonpb.Payload)
	if !ok {
		return fmt.Sprintf("(%T)", args[0])
	}
	var raw json.RawMessage
	if err := dc.FromPayload(payload, &raw); err != nil {
		return "(unreadable)"
	}
	return canonicalJSON(raw)
}

// canonicalJSON sorts keys and drops white space; numbers keep their digits.
func canonicalJSON(raw json.RawMessage) string {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return string(raw)
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return string(raw)
	}
	return strings.TrimSpace(out.String())
}

// keyDifference tells that a schedule's input was encrypted with another key
// than is used now: a schedule would need its old key for ever.
func (s *Schedules) keyDifference(found client.Schedule) ([]FieldDifference, error) {
	probe, err := s.converter.ToPayload("")
	if err != nil {
		return nil, fmt.Errorf("encode a payload: %w", err)
	}
	action, ok := found.Action.(*client.ScheduleWorkflowAction)
	if !ok {
		return nil, nil
	}
	for _, arg := range action.Args {
		payload, ok := arg.(*commonpb.Payload)
		if before, after := keyID(payload), keyID(probe); ok && before != after {
			return []FieldDifference{{Field: "payload_key", Before: before, After: after}}, nil
		}
	}
	return nil, nil
}
