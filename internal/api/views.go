package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/danielgtaylor/huma/v2"

	"orgflow"
	"orgflow/internal/config"
)

func (s *server) liveViews() []boardCall {
	return []boardCall{
		{path: "/dingtalk/department/getTree", id: "live-department-tree", summary: "A department of DingTalk with all below it, as it is now",
			about:  "One call a department; 5000 departments at most.",
			params: []boardParam{optional("id", "department id; default 1, the organisation"), companyParam}, data: reflect.TypeFor[orgflow.LiveTree](),
			do: func(ctx context.Context, v url.Values) (boardAnswer, error) {
				company, id, err := companyAnd(v, "1")
				if err != nil {
					return boardAnswer{}, err
				}
				return viewed(s.Views.LiveTree(ctx, company, id))
			}},
		{path: "/dingtalk/user/getByDepartmentId", id: "live-department-members", summary: "All direct members of a department of DingTalk, as they are now",
			about:  "One call a hundred members.",
			params: []boardParam{needed("id", "department id"), companyParam}, data: reflect.TypeFor[orgflow.LiveMembers](),
			do: func(ctx context.Context, v url.Values) (boardAnswer, error) {
				company, id, err := companyAnd(v, "0")
				if err != nil {
					return boardAnswer{}, err
				}
				return viewed(s.Views.LiveMembers(ctx, company, id))
			}},
		{path: "/dingtalk/attendance/getByUserId", id: "live-attendance", summary: "A person's attendance at DingTalk, with the punches that are missing",
			about: "Any span of the last 180 days, days in Asia/Shanghai; one counted call for each 50 records and 7 days.",
			params: []boardParam{
				needed("id", "userid at DingTalk"),
				optional("startTime", `first day: 2026-11-20, "2026-11-20 09:00:00" or RFC 3339; default today`),
				optional("endTime", "last day, the same; default today"), companyParam,
			}, data: reflect.TypeFor[orgflow.Attendance](),
			do: func(ctx context.Context, v url.Values) (boardAnswer, error) {
				company, err := number(v, "company_id", "0")
				if err != nil {
					return boardAnswer{}, err
				}
				user := v.Get("id")
				if err := checkUser("id", user); err != nil {
					return boardAnswer{}, err
				}
				return viewed(s.Views.LiveAttendance(ctx, company, user, v.Get("startTime"), v.Get("endTime")))
			}},
	}
}

func viewed[T any](v orgflow.Viewed[T], err error) (boardAnswer, error) {
	return boardAnswer{data: v.Data, readAt: v.ReadAt, calls: v.Calls}, err
}

func (s *server) viewRoutes() {
	s.boardCallRoutes(boardCalls{
		tag: "live views", about: "Query or form parameters. Answers are kept for a moment and say their age.",
		need: config.AccessRead, strict: true, unreadable: codeInvalidBody, priced: true, refused: parameter, calls: s.liveViews(),
	})
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
