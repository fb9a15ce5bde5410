package console

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/go-chi/chi/v5"

	"orgflow"
)

// inPath is a parameter of the route. chi leaves it escaped where the path
// needed escapes.
func inPath(r *http.Request, name string) string {
	value := chi.URLParam(r, name)
	if r.URL.RawPath == "" {
		return value
	}
	if plain, err := url.PathUnescape(value); err == nil {
		return plain
	}
	return value
}

// inWebUI is the page of a workflow in Temporal's Web UI, of one of its runs
// where that is known; empty where it is not known where the Web UI is.
func (c *Console) inWebUI(workflow, run string) string {
	if c.WebUI == "" || workflow == "" {
		return ""
	}
	page := c.namespace() + "/workflows/" + url.PathEscape(workflow)
	if run != "" {
		page += "/" + url.PathEscape(run) + "/history"
	}
	return page
}

// scheduleInWebUI is the page of a schedule there.
func (c *Console) scheduleInWebUI(id string) string {
	if c.WebUI == "" {
		return ""
	}
	return c.namespace() + "/schedules/" + url.PathEscape(id)
}

func (c *Console) namespace() string { return c.WebUI + "/namespaces/" + url.PathEscape(c.Namespace) }

// tone is the style of a status: bad where somebody may have to look.
func tone(s orgflow.Status) string {
	switch s {
	case orgflow.StatusCompleted:
		return "good"
	case orgflow.StatusFailed, orgflow.StatusCompletedWithFailures:
		return "bad"
	default:
		return ""
	}
}

// lasting writes a length of time as a clock does: 1:02:03.
func lasting(d time.Duration) string {
	s := int64(max(d, 0).Round(time.Second) / time.Second)
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}
