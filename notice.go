package orgflow

import (
	"slices"
	"strings"
)

// NoticeEvent is what operators are told of.
type NoticeEvent string

// What happens to runs (syncs, pulls, loads) and messages.
const (
	NoticeFailed  NoticeEvent = "failed"  // a run failed as a whole
	NoticePartial NoticeEvent = "partial" // a run completed with failures
	NoticeParked  NoticeEvent = "parked"  // a run waits for somebody's decision
	// NoticeBreaker: nothing more is sent, because the consumer refuses the
	// credentials or a permission, bans the address, or most records failed.
	NoticeBreaker NoticeEvent = "breaker"
	NoticeMessage NoticeEvent = "message" // a message about a flow reaches nobody
	// NoticeMissed: a schedule did not start runs it should have started. Its
	// causes are MissedCatchupWindow, MissedOverlap and MissedBuffer.
	NoticeMissed NoticeEvent = "missed"
	// NoticeWell: a run completed. It is told only of a job about which
	// something else was told.
	NoticeWell NoticeEvent = "well"
)

// Why a schedule did not start a run (Temporal reference § 6).
const (
	MissedCatchupWindow = "catchup_window" // Temporal was away for longer than the catch-up window
	MissedOverlap       = "overlap"        // an earlier run had not ended
	MissedBuffer        = "buffer"         // too many runs waited behind an earlier one
)

// ChannelWebhook is the channel that posts notices to an address instead of
// bringing them to people.
const ChannelWebhook = "webhook"

// NoticeEvents returns what a company can choose to be told of.
func NoticeEvents() []NoticeEvent {
	return []NoticeEvent{NoticeFailed, NoticePartial, NoticeParked, NoticeBreaker, NoticeMessage, NoticeMissed}
}

// Settles returns the events that are over when this one happens to the same
// job. A decision (parked), a lost message and a missed run need no all-clear.
func (e NoticeEvent) Settles() []NoticeEvent {
	switch e {
	case NoticeWell:
		return []NoticeEvent{NoticeFailed, NoticeBreaker, NoticePartial}
	case NoticePartial:
		return []NoticeEvent{NoticeFailed, NoticeBreaker}
	default:
		return nil
	}
}

// Lasts tells whether it goes on until something settles it. A request for a
// decision, a lost message and a missed run are told, and that is all.
func (e NoticeEvent) Lasts() bool { return slices.Contains(NoticeWell.Settles(), e) }

// EndNotice returns what the end of a run says to operators; ok is false for
// ends that somebody wanted. The cause tells one failure from another: equal
// causes are the same failure, repeated.
func EndNotice(status Status, fault *Fault) (event NoticeEvent, cause string, ok bool) {
	switch status {
	case StatusCompleted:
		return NoticeWell, "", true
	case StatusCompletedWithFailures:
		return NoticePartial, "", true
	case StatusFailed:
	default:
		return "", "", false
	}
	if fault == nil {
		return NoticeFailed, string(CodeInternal), true
	}
	event = NoticeFailed
	switch fault.Code {
	case CodeUnauthorized, CodeForbidden, CodeTooManyFailures:
		event = NoticeBreaker
	default:
	}
	return event, strings.TrimSpace(string(fault.Code) + " " + fault.VendorCode), true
}

// NoticeJob tells runs that repeat each other from others: what goes wrong
// with one is over when a later one completes. "sync:ding_talk:default:org_new,person_new",
// with what else a run is for behind it: runs for single records, for a part
// of the job, or for an undo prove nothing about the whole.
func (j Job) NoticeJob() string {
	parts := []string{"sync", j.Consumer, j.Params.Scope, strings.Join(j.Services, ",")}
	p := j.Params
	if p.Undo != "" {
		parts = append(parts, "undo")
	}
	if len(p.SourceIDs) > 0 {
		parts = append(parts, "records")
	}
	if !slices.Equal(p.Stages, defaultStages) && p.Undo == "" {
		for _, s := range p.Stages {
			parts = append(parts, string(s))
		}
	}
	if !slices.Equal(p.Operations, defaultOperations) {
		for _, o := range p.Operations {
			parts = append(parts, string(o))
		}
	}
	return strings.Join(parts, ":")
}

// NoticeJob is "pull:ding_talk".
func (p PullInput) NoticeJob() string { return "pull:" + p.Origin }

// NoticeJob is "load:SAL_SaleOrder:update".
func (l LoadInput) NoticeJob() string { return "load:" + l.FormID + ":" + string(l.Kind) }

// ScheduleJob is the job of a schedule, by the id of its file:
// "schedule:nightly-persons".
func ScheduleJob(id string) string { return "schedule:" + id }

// NoticeJob is the job of what concerns a whole target: "target:ding_talk".
func (t Target) NoticeJob() string { return "target:" + t.Consumer }
