package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"orgflow"
	"orgflow/internal/config"
)

// dataSync are the calls by which boards load a form: plain URLs, GET or
// POST, parameters in the query or as a form.
var dataSync = []struct {
	path, summary string
	kind          orgflow.LoadKind
}{
	{"/dataSync/create", "Build the local table of a form of the ERP anew", orgflow.LoadCreate},
	{"/dataSync/update", "Merge what changed in a form of the ERP into its local table", orgflow.LoadUpdate},
}

func (s *server) dataSyncRoutes() {
	for _, c := range dataSync {
		guarded := s.router.With(s.authorize(config.AccessOperate))
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			guarded.MethodFunc(method, c.path, s.dataSync(c.kind))
			s.describeDataSync(method, c.path, c.kind, c.summary)
		}
	}
}

// loadAnswer is what a board is answered at once.
type loadAnswer struct {
	Started
	FormID string           `json:"form_id"`
	Kind   orgflow.LoadKind `json:"kind"`
}

func (s *server) dataSync(kind orgflow.LoadKind) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead { // routed like GET, but a look must not start anything
			s.methodNotAllowed(w, r)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, MaxBody)
		if err := readParameters(r); err != nil {
			s.write(w, r, &Error{Code: codeInvalidBody, Message: "the parameters cannot be read: they are sent in the query or as a form"})
			return
		}
		answer := loadAnswer{FormID: r.Form.Get("formId"), Kind: kind}
		in, refused := loadInput(r, answer)
		if refused != nil {
			s.write(w, r, refused)
			return
		}
		started, err := s.Loads.StartLoad(r.Context(), in)
		if err != nil {
			s.write(w, r, s.answer(r.Context(), byParameter(err)))
			return
		}
		answer.Started = loadStarted(started)
		writeJSON(w, http.StatusOK, seedAnswer{Message: "ok", Data: answer, RequestID: requestID(r.Context())})
	}
}

// seedAnswer is the envelope of the paths that boards call.
type seedAnswer struct {
	Code      int    `json:"code"`
	Message   string `json:"message"`
	Data      any    `json:"data"`
	RequestID string `json:"request_id"`
}

func readParameters(r *http.Request) error {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		return r.ParseMultipartForm(MaxBody)
	}
	return r.ParseForm()
}

// loadInput turns parameters into what a load is asked for.
func loadInput(r *http.Request, want loadAnswer) (json.RawMessage, *Error) {
	in := map[string]any{"form_id": want.FormID, "kind": want.Kind}
	if company := r.Form.Get("company_id"); company != "" {
		id, err := strconv.ParseInt(company, 10, 64)
		if err != nil || id < 1 {
			return nil, &Error{Code: orgflow.CodeInvalidJob, Field: "company_id", Message: "company_id: must be the number of a company"}
		}
		in["company_id"] = id
	}
	if deep := r.Form.Get("deep"); deep != "" {
		yes, err := strconv.ParseBool(deep)
		if err != nil {
			return nil, &Error{Code: orgflow.CodeInvalidJob, Field: "deep", Message: "deep: must be true or false"}
		}
		in["deep"] = yes
	}
	raw, err := json.Marshal(in)
	if err != nil {
		return nil, &Error{Code: orgflow.CodeInternal, Message: "the parameters cannot be written as JSON", cause: err}
	}
	return raw, nil
}

// parameters are the keys of a load as plain URLs spell them.
var parameters = map[string]string{"/form_id": "formId", "/company_id": "company_id", "/deep": "deep"}

// byParameter names parameters where an error points into the JSON that was
// made of them.
func byParameter(err error) error {
	var invalid *orgflow.InvalidError
	if !errors.As(err, &invalid) || invalid.Code != orgflow.CodeInvalidJob {
		return err
	}
	problems := slices.Clone(invalid.Problems)
	for i, p := range problems {
		if name, ok := parameters[p.Pointer]; ok {
			problems[i] = orgflow.Problem{Pointer: name, Message: p.Message}
		}
	}
	return &orgflow.InvalidError{Code: invalid.Code, Problems: problems}
}

// describeDataSync adds a call to the document: huma would read neither forms
// nor a method for each of two.
func (s *server) describeDataSync(method, path string, kind orgflow.LoadKind, summary string) {
	op := &huma.Operation{
		OperationID: "data-sync-" + string(kind) + "-" + strings.ToLower(method), Method: method, Path: path, Tags: []string{"ERP"}, Summary: summary,
		Description: "For boards: query or form parameters. Answers at once with the load's id; GET " + pathLoads + "/{id} shows how it goes.",
		Parameters: []*huma.Param{
			{Name: "formId", In: "query", Required: true, Description: "form of the ERP, SAL_SaleOrder for example", Schema: &huma.Schema{Type: huma.TypeString}},
			{Name: "company_id", In: "query", Description: "needed where several companies have an ERP", Schema: &huma.Schema{Type: huma.TypeInteger}},
		},
		Responses: map[string]*huma.Response{
			"200":     {Description: `{"code": 0, "message": "ok", "data": {"id", "run_id", "url", "form_id", "kind"}}`},
			"default": s.errorResponse(),
		},
		Security: []map[string][]string{{"bearer": {}}, {"key": {}}}, Extensions: map[string]any{"x-role": config.AccessOperate.String()},
	}
	if kind == orgflow.LoadUpdate {
		op.Parameters = append(op.Parameters, &huma.Param{
			Name: "deep", In: "query", Description: "read as far back as a create does", Schema: &huma.Schema{Type: huma.TypeBoolean},
		})
	}
	s.huma.OpenAPI().AddOperation(op)
}
