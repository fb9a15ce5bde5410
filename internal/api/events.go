package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"orgflow"
)

const (
	pathEvents = "/events/{company}/{consumer}"
	// maxEvent bounds the body of an event, in bytes: it names records, and
	// whoever sends it is not known before it is read.
	maxEvent = 256 << 10
	// eventTime bounds the work on an event: a consumer that waits for longer
	// has given up and sends it again (DingTalk: 1.5 to 2.5 s).
	eventTime = 2 * time.Second
)

// ErrNotAuthentic is an event whose sender could not prove to be the consumer.
var ErrNotAuthentic = errors.New("the event does not prove to come from the consumer")

// receiveEvent takes what a consumer tells of changes made at it. It needs no
// API key: the consumer proves itself by the means of its own, and there is
// nothing behind the route that a stranger would be told.
func (s *server) receiveEvent(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), eventTime)
	defer cancel()
	company, err := strconv.ParseInt(chi.URLParam(r, "company"), 10, 64)
	if err != nil || company < 1 {
		s.notFound(w, r)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxEvent))
	if err != nil {
		e := &Error{Code: codeInvalidBody, Message: "the body cannot be read"}
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			e = &Error{Code: codeTooLarge, Message: "the body is larger than " + strconv.Itoa(maxEvent) + " bytes"}
		}
		s.write(w, r, e)
		return
	}
	target := orgflow.Target{CompanyID: company, Consumer: chi.URLParam(r, "consumer")}
	answer, err := s.Events.Receive(ctx, target, r.URL.Query(), body)
	switch fault := orgflow.AsFault(err); {
	case errors.Is(err, ErrNotAuthentic):
		s.write(w, r, &Error{Code: codeUnauthenticated, Message: err.Error()})
	case err != nil && fault.Code == orgflow.CodeNotFound:
		s.write(w, r, &Error{Code: codeNoRoute, Message: "no events are received here"})
	case err != nil:
		s.write(w, r, s.answer(ctx, err))
	default:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer) // a consumer that went away sends it again
	}
}

// describeEvents adds the route to the document: huma would read neither the
// raw body nor parameters that the vendor chose.
func (s *server) describeEvents() {
	s.huma.OpenAPI().AddOperation(&huma.Operation{
		OperationID: "receive-event", Method: http.MethodPost, Path: pathEvents,
		Tags: []string{"events"}, Summary: "What a consumer tells of changes made at it",
		Description: "The address for the consumer's developer console. It needs no API key: the consumer proves itself in its own way, DingTalk by signature and encryption. " +
			"An event is stored before it is answered, and one that is delivered twice is dealt with once. 401 when the proof fails.",
		Parameters: []*huma.Param{
			{Name: "company", In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeInteger}},
			{Name: "consumer", In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}},
		},
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Type: huma.TypeObject}}}},
		Responses: map[string]*huma.Response{
			"200":     {Description: "What the consumer waits for", Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Type: huma.TypeObject}}}},
			"default": s.errorResponse(),
		},
	})
}
