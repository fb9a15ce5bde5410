package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/danielgtaylor/huma/v2"

	"orgflow"
	"orgflow/internal/config"
)

// liveView is a view at a path of old: GET or POST, with query or form
// parameters.
type liveView struct {
	path, id, summary, about string
	params                   []viewParam
	data                     reflect.Type
	show                     func(ctx context.Context, v url.Values) (shown, error)
}

type viewParam struct {
	name, doc string
	required  bool
}

// shown is what a view shows, of whatever type.
type shown struct {
	data   any
	readAt time.Time
	calls  int
}

func shownOf[T any](v orgflow.Viewed[T], err error) (shown, error) {
	return shown{v.Data, v.ReadAt, v.Calls}, err
}

var viewCompany = viewParam{"company_id", "default: the only configured company", false}

func (s *server) liveViews() []liveView {
	return []liveView{
		{"/dingtalk/department/getTree", "live-department-tree", "A department of DingTalk with all below it, as it is now",
			"One call a department; 5000 departments at most.",
			[]viewParam{{"id", "department id; default 1, the organisation", false}, viewCompany}, reflect.TypeFor[orgflow.LiveTree](),
			func(ctx context.Context, v url.Values) (shown, error) {
				company, id, err := companyAnd(v, "1")
				if err != nil {
					return shown{}, err
				}
				return shownOf(s.Views.LiveTree(ctx, company, id))
			}},
		{"/dingtalk/user/getByDepartmentId", "live-department-members", "All direct members of a department of DingTalk, as they are now",
			"One call a hundred members.",
			[]viewParam{{"id", "department id", true}, viewCompany}, reflect.TypeFor[orgflow.LiveMembers](),
			func(ctx context.Context, v url.Values) (shown, error) {
				company, id, err := companyAnd(v, "0")
				if err != nil {
					return shown{}, err
				}
				return shownOf(s.Views.LiveMembers(ctx, company, id))
			}},
		{"/dingtalk/attendance/getByUserId", "live-attendance", "A person's attendance at DingTalk, with the punches that are missing",
			"Any span of the last 180 days, days in Asia/Shanghai; one counted call for each 50 records and 7 days.",
			[]viewParam{
				{"id", "userid at DingTalk", true},
				{"startTime", `first day: 2026-11-20, "2026-11-20 09:00:00" or RFC 3339; default today`, false},
				{"endTime", "last day, the same; default today", false}, viewCompany,
			}, reflect.TypeFor[orgflow.Attendance](),
			func(ctx context.Context, v url.Values) (shown, error) {
				company, err := number(v, "company_id", "0")
				if err != nil {
					return shown{}, err
				}
				user := v.Get("id")
				if err := checkUser("id", user); err != nil {
					return shown{}, err
				}
				return shownOf(s.Views.LiveAttendance(ctx, company, user, v.Get("startTime"), v.Get("endTime")))
			}},
	}
}

func (s *server) viewRoutes() {
	for _, v := range s.liveViews() {
		guarded := s.router.With(s.authorize(config.AccessRead))
		guarded.Get(v.path, s.liveHandler(v))
		guarded.Post(v.path, s.liveHandler(v))
		s.describeView(v, http.MethodGet)
		s.describeView(v, http.MethodPost)
	}
	register(s, huma.Operation{
		OperationID: "live-attendance-month", Method: http.MethodGet, Path: "/api/v1/dingtalk/attendance/month",
		Tags: []string{"live views"}, Summary: "Overview of a month of up to 50 people: normal, late, early, missing and absent days",
	}, config.AccessRead, s.liveMonth)
}

// Price is the age and the cost of a view. Exported because huma looks into
// exported embedded structs only.
type Price struct {
	ReadAt time.Time `json:"read_at" doc:"when DingTalk was asked"`
	Age    int       `json:"age_seconds" doc:"above 0 for an answer that was kept; also in the header Age"`
	Calls  int       `json:"calls" doc:"calls to DingTalk that the read took"`
}

func (s *server) priceOf(readAt time.Time, calls int) Price {
	return Price{ReadAt: readAt.UTC(), Age: max(0, int(s.Now().Sub(readAt)/time.Second)), Calls: calls}
}

// viewAnswer is what the paths of old answer.
type viewAnswer struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data"`
	Price
	RequestID string `json:"request_id"`
}

func (s *server) liveHandler(v liveView) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, MaxBody)
		err := v.readParams(r)
		var got shown
		if err == nil {
			got, err = v.show(r.Context(), r.Form)
		}
		if err != nil {
			s.write(w, r, s.answer(r.Context(), parameter(err)))
			return
		}
		p := s.priceOf(got.readAt, got.calls)
		w.Header().Set("Age", strconv.Itoa(p.Age))
		writeJSON(w, http.StatusOK, viewAnswer{Message: "ok", Data: got.data, Price: p, RequestID: requestID(r.Context())})
	}
}

// readParams fills r.Form. A parameter with a name that is not known would
// change nothing and look as if it had; "_" is what pages add against caches.
func (v liveView) readParams(r *http.Request) error {
	var err error
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		err = r.ParseMultipartForm(MaxBody)
	} else {
		err = r.ParseForm()
	}
	if err != nil {
		return &Error{Code: codeInvalidBody, Message: "the parameters cannot be read: they are sent in the query or as a form", cause: err}
	}
	known := make([]string, len(v.params))
	for i, p := range v.params {
		known[i] = p.name
	}
	for name, values := range r.Form {
		switch {
		case name == "_":
		case !slices.Contains(known, name):
			return refusedParam(name, "is not known here; allowed are "+strings.Join(known, ", "))
		case len(values) > 1 && slices.ContainsFunc(values, func(other string) bool { return other != values[0] }):
			return refusedParam(name, "is given more than once, with different values")
		}
	}
	for _, p := range v.params {
		if p.required && strings.TrimSpace(r.Form.Get(p.name)) == "" {
			return refusedParam(p.name, "is needed: "+p.doc)
		}
	}
	return nil
}

func refusedParam(name, message string) *Error {
	return &Error{Code: codeInvalidParameter, Field: name, Message: name + " " + message}
}

// parameter makes a wrong parameter of what a view was asked for wrongly.
func parameter(err error) error {
	var f *orgflow.Fault
	if !errors.As(err, &f) || f.Code != orgflow.CodeInvalidRecord || f.Field == "" || f.VendorCode != "" {
		return err
	}
	return refusedParam(f.Field, f.Message)
}

func companyAnd(v url.Values, standard string) (company, id int64, err error) {
	if company, err = number(v, "company_id", "0"); err != nil {
		return 0, 0, err
	}
	id, err = number(v, "id", standard)
	return company, id, err
}

// number reads a whole number of 1 or more; left out it is the standard.
func number(v url.Values, name, standard string) (int64, error) {
	text := strings.TrimSpace(v.Get(name))
	if text == "" {
		return strconv.ParseInt(standard, 10, 64)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, refusedParam(name, "must be a whole number of 1 or more")
	}
	return n, nil
}

// maxUserID is the longest userid (DingTalk reference § 4.6).
const maxUserID = 64

func checkUser(name, id string) error {
	if id == "" || len(id) > maxUserID || strings.ContainsFunc(id, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return refusedParam(name, fmt.Sprintf("must be a userid of DingTalk: 1 to %d characters without spaces", maxUserID))
	}
	return nil
}

// describeView adds a view to the document: huma would read neither forms nor
// a method for each of two.
func (s *server) describeView(v liveView, method string) {
	schemas := s.huma.OpenAPI().Components.Schemas
	answer := &huma.Schema{Type: huma.TypeObject, Properties: map[string]*huma.Schema{
		"code": {Type: huma.TypeInteger, Enum: []any{0}}, "message": {Type: huma.TypeString}, "data": schemas.Schema(v.data, true, v.id),
		"read_at": {Type: huma.TypeString, Format: "date-time"}, "age_seconds": {Type: huma.TypeInteger}, "calls": {Type: huma.TypeInteger}, "request_id": {Type: huma.TypeString},
	}}
	op := &huma.Operation{
		OperationID: v.id + "-" + strings.ToLower(method), Method: method, Path: v.path, Tags: []string{"live views"}, Summary: v.summary,
		Description: v.about + " Query or form parameters. Answers are kept for a moment and say their age.",
		Responses: map[string]*huma.Response{
			"200":     {Description: "OK", Content: map[string]*huma.MediaType{"application/json": {Schema: answer}}},
			"default": s.errorResponse(),
		},
		Security: []map[string][]string{{"bearer": {}}, {"key": {}}}, Extensions: map[string]any{"x-role": config.AccessRead.String()},
	}
	for _, p := range v.params {
		op.Parameters = append(op.Parameters, &huma.Param{Name: p.name, In: "query", Required: p.required, Description: p.doc, Schema: &huma.Schema{Type: huma.TypeString}})
	}
	s.huma.OpenAPI().AddOperation(op)
}

type monthInput struct {
	CompanyID int64  `query:"company_id" minimum:"1" doc:"default: the only configured company"`
	UserID    string `query:"user_id" required:"true" maxLength:"4096" doc:"userids at DingTalk, up to 50, separated by commas"`
	Month     string `query:"month" maxLength:"32" doc:"2026-11; default this month"`
}

// MonthView is an overview of a month, with its age and cost.
type MonthView struct {
	orgflow.AttendanceMonth
	Price
}

type monthOutput struct {
	Age  int `header:"Age"`
	Body MonthView
}

func (s *server) liveMonth(ctx context.Context, in *monthInput) (*monthOutput, error) {
	var users []string
	for user := range strings.SplitSeq(in.UserID, ",") {
		if user = strings.TrimSpace(user); user == "" {
			continue
		}
		if err := checkUser("user_id", user); err != nil {
			return nil, err
		}
		users = append(users, user)
	}
	got, err := s.Views.LiveMonth(ctx, in.CompanyID, users, strings.TrimSpace(in.Month))
	if err != nil {
		return nil, parameter(err)
	}
	p := s.priceOf(got.ReadAt, got.Calls)
	return &monthOutput{Age: p.Age, Body: MonthView{got.Data, p}}, nil
}
