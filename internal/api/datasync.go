package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"reflect"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"orgflow"
	"orgflow/internal/config"
)

// dataSyncRoutes are the calls by which boards load a form.
func (s *server) dataSyncRoutes() {
	data := reflect.TypeFor[loadAnswer]()
	form := needed("formId", "form of the ERP, SAL_SaleOrder for example")
	company := boardParam{name: "company_id", kind: huma.TypeInteger, doc: "needed where several companies have an ERP"}
	deep := boardParam{name: "deep", kind: huma.TypeBoolean, doc: "read as far back as a create does"}
	s.boardCallRoutes(boardCalls{
		tag: "ERP", need: config.AccessOperate, unreadable: codeInvalidBody, refused: byParameter,
		about: "For boards: query or form parameters. Answers at once with the load's id; GET " + pathLoads + "/{id} shows how it goes.",
		calls: []boardCall{
			{path: "/dataSync/create", id: "data-sync-create", summary: "Build the local table of a form of the ERP anew",
				params: []boardParam{form, company}, data: data, do: s.dataSync(orgflow.LoadCreate)},
			{path: "/dataSync/update", id: "data-sync-update", summary: "Merge what changed in a form of the ERP into its local table",
				params: []boardParam{form, company, deep}, data: data, do: s.dataSync(orgflow.LoadUpdate)},
		},
	})
}

// loadAnswer is what a board is answered at once.
type loadAnswer struct {
	Started
	FormID string           `json:"form_id"`
	Kind   orgflow.LoadKind `json:"kind"`
}

func (s *server) dataSync(kind orgflow.LoadKind) func(context.Context, url.Values) (boardAnswer, error) {
	return func(ctx context.Context, v url.Values) (boardAnswer, error) {
		answer := loadAnswer{FormID: v.Get("formId"), Kind: kind}
		in, err := loadInput(v, answer)
		if err != nil {
			return boardAnswer{}, err
		}
		answer.Started, err = s.load(ctx, in)
		return boardAnswer{data: answer}, err
	}
}

// loadInput turns parameters into what a load is asked for.
func loadInput(v url.Values, want loadAnswer) (json.RawMessage, error) {
	in := map[string]any{"form_id": want.FormID, "kind": want.Kind}
	if company := v.Get("company_id"); company != "" {
		id, err := strconv.ParseInt(company, 10, 64)
		if err != nil || id < 1 {
			return nil, &Error{Code: orgflow.CodeInvalidJob, Field: "company_id", Message: "company_id: must be the number of a company"}
		}
		in["company_id"] = id
	}
	if deep := v.Get("deep"); deep != "" {
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
