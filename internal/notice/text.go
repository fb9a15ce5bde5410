package notice

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"orgflow"
)

// Facts are what a notice is made of.
type Facts struct {
	CompanyID int64
	Company   string // its name; may be empty
	Job       string // orgflow.Job.NoticeJob and the like
	Event     orgflow.NoticeEvent
	Cause     string
	Telling   Telling
	Since     time.Time // when it began
	Now       time.Time
	Ref       string // of the run, or flow, it happened to last
	Run       *Run   // nil: nothing is known of it
	Link      string // where to see it; "" is none
	Zone      *time.Location
}

// Run is what is said of a run.
type Run struct {
	Fault  *orgflow.Fault // of one that failed as a whole
	Counts []Count        // in their order; those of 0 are left out
}

// Count is a number with its name: a state of changes, "departments",
// "members", "rows", "waiting".
type Count struct {
	Name string
	N    int64
}

// maxVendorText is how many characters of a vendor's words are shown.
const maxVendorText = 200

// Text renders a notice: what, which job and run, counts, cause with advice.
// It holds ids, counts and codes, and of people nothing. The last line tells
// it from every other notice: providers drop what repeats.
func Text(f Facts, language string) orgflow.MessageText {
	w := wordsOf(language)
	var lines []string
	say := func(name, value string) {
		if value != "" {
			lines = append(lines, w.of(name)+w.colon+value)
		}
	}
	say("job", w.job(f.Job))
	say("cause", w.cause(f))
	if f.Run != nil {
		if f.Telling.Kind != Clear && f.Run.Fault != nil {
			say("advice", f.Run.Fault.Advice)
		}
		say("counts", w.counts(f.Run.Counts))
	}
	say("repeated", w.repeated(f))
	say(refName(f.Event), f.Ref)
	say("time", clock(f.Now, f.Zone))
	company := fmt.Sprint(f.CompanyID)
	if f.Company != "" {
		company = f.Company + " (" + company + ")"
	}
	return orgflow.MessageText{
		Title: w.title(f) + w.colon + company, Text: strings.Join(lines, "\n"), Link: f.Link,
		Notice: &orgflow.NoticeFacts{
			CompanyID: f.CompanyID, Event: f.Event, Telling: string(f.Telling.Kind), Job: f.Job, Cause: f.Cause,
			Count: f.Telling.Count, Since: f.Since.UTC(), Over: f.Telling.Over, Ref: f.Ref,
		},
	}
}

func refName(e orgflow.NoticeEvent) string {
	switch e {
	case orgflow.NoticeMessage:
		return "about"
	case orgflow.NoticeMissed:
		return "schedule"
	default:
		return "run"
	}
}

func clock(at time.Time, zone *time.Location) string {
	return at.In(cmp.Or(zone, time.UTC)).Format("2006-01-02 15:04:05 MST")
}

func (w words) title(f Facts) string {
	switch {
	case f.Telling.Kind == Clear, f.Telling.Over:
		return w.of("clear") + " – " + w.of(string(f.Event))
	case f.Telling.Kind == Digest:
		return fmt.Sprintf("%s ×%d", w.of(string(f.Event)), f.Telling.Count)
	}
	return w.of(string(f.Event))
}

// job reads "sync:ding_talk:default:org_new,person_new" as people do.
func (w words) job(job string) string {
	kind, rest, _ := strings.Cut(job, ":")
	return w.of(kind) + " " + strings.ReplaceAll(rest, ":", " · ")
}

// cause says what went wrong. The words of a vendor are shown as they came,
// those of our own defects are not: nobody knows what is in them.
func (w words) cause(f Facts) string {
	code, _, _ := strings.Cut(f.Cause, " ")
	text := f.Cause
	if known, ok := w.text["code."+code]; ok {
		text = known + " (" + f.Cause + ")"
	}
	if f.Run == nil || f.Run.Fault == nil || f.Telling.Kind == Clear || f.Run.Fault.Code == orgflow.CodeInternal {
		return text
	}
	said := []rune(strings.ReplaceAll(f.Run.Fault.Message, "\n", " "))
	if len(said) > maxVendorText {
		said = append(said[:maxVendorText-1], '…')
	}
	return text + w.colon + string(said)
}

func (w words) counts(list []Count) string {
	var out []string
	for _, c := range list {
		if c.N > 0 {
			out = append(out, fmt.Sprintf("%s %d", w.of(c.Name), c.N))
		}
	}
	return strings.Join(out, w.comma)
}

func (w words) repeated(f Facts) string {
	since := clock(f.Since, f.Zone)
	switch {
	case f.Telling.Kind == First, f.Event == orgflow.NoticeMissed: // how many is said, and when they were due nobody knows
		return ""
	case f.Telling.Count == 0:
		return fmt.Sprintf(w.of("since"), since)
	}
	return fmt.Sprintf(w.of("times"), f.Telling.Count, since)
}
