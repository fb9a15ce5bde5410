package api

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"orgflow"
	"orgflow/internal/config"
)

func (s *server) decisionRoutes() {
	tags := []string{"flows"}
	post := register(s, huma.Operation{
		OperationID: "store-decision", Method: http.MethodPost, Path: pathFlows + "/{no}/decisions", DefaultStatus: http.StatusCreated,
		Tags: tags, Summary: "Store a decision, as a board does",
		Description: "It is of the flow's current round. /flow/onAudit makes the flow work on it. Who has no open task at the node, or comes too late, " +
			"is stored as well (201) and changes nothing: the decision's outcome says so afterwards. Sent twice it is stored twice; the second is ignored_duplicate.",
	}, config.AccessApprove, s.storeDecision)
	describeBody[decisionBody](s, post)
	register(s, huma.Operation{
		OperationID: "list-decisions", Method: http.MethodGet, Path: pathFlows + "/{no}/decisions",
		Tags: tags, Summary: "Stored decisions on a flow and what became of them",
	}, config.AccessRead, func(ctx context.Context, in *FlowParams) (*body[decisionList], error) {
		list, err := s.Flows.ListDecisions(ctx, in.CompanyID, in.No)
		list = orEmpty(list)
		return answerWith(decisionList{list}, err)
	})
}

type decisionList struct {
	Decisions []FlowDecision `json:"decisions"`
}

// decisionBody is a decision as it is sent (contract § 4).
type decisionBody struct {
	NodeSeq     *int            `json:"node_seq" doc:"seq of the node that is decided"`
	UserCode    string          `json:"user_code" doc:"who decides"`
	UserName    string          `json:"user_name,omitempty" doc:"their name, for the timeline"`
	Decision    orgflow.Verdict `json:"decision"`
	Comment     string          `json:"comment,omitempty" doc:"the opinion, at most 4000 characters"`
	ToNodeSeq   *int            `json:"to_node_seq,omitempty" doc:"return: an earlier node; absent or 0 is the initiator"`
	TargetUsers []string        `json:"target_users,omitempty" doc:"transfer, delegate: one person; add_sign, remove_sign: one or more; approve: whom the next node asks"`
	TaskID      *int64          `json:"task_id,omitempty" doc:"id of the task; absent: the person's open task at the node"`
	Attachments json.RawMessage `json:"attachments,omitempty" doc:"a list, kept as it is"`
	FormRev     *int64          `json:"form_rev,omitempty" doc:"revision of the form that the person saw"`
}

type decisionInput struct {
	FlowParams
	RawBody []byte
}

type decisionOutput struct {
	Location string `header:"Location"`
	Body     FlowDecision
}

func (s *server) storeDecision(ctx context.Context, in *decisionInput) (*decisionOutput, error) {
	var b decisionBody
	if err := readBody(in.RawBody, &b); err != nil {
		return nil, err
	}
	if b.NodeSeq == nil {
		return nil, badParam("/node_seq", "is required: the seq of the node that is decided")
	}
	if who := callerOf(ctx); who.person != nil && b.UserCode != who.person.Code {
		return nil, badParam("/user_code", fmt.Sprintf("must be your own (%s): whoever is signed in decides in their own name", who.person.Code))
	}
	d := NewDecision{
		CompanyID: in.CompanyID, No: in.No, NodeSeq: *b.NodeSeq, UserCode: b.UserCode, UserName: b.UserName,
		Decision: b.Decision, Comment: b.Comment, ToNodeSeq: b.ToNodeSeq, TargetUsers: b.TargetUsers,
		TaskID: b.TaskID, Attachments: b.Attachments, FormRev: b.FormRev,
	}
	if err := d.Check(); err != nil {
		return nil, err
	}
	stored, err := s.Flows.StoreDecision(ctx, d)
	if err != nil {
		return nil, err
	}
	s.did(ctx, "decide", in.No)
	return &decisionOutput{Location: flowURL(in.No) + "/decisions", Body: stored}, nil
}

const (
	maxCode        = 64 // characters of a user code, as in definitions
	maxName        = 128
	maxComment     = 4000
	maxTargets     = 50
	maxAttachments = 50
)

// verdicts are what a decision may say.
var verdicts = []orgflow.Verdict{
	orgflow.VerdictApprove, orgflow.VerdictReject, orgflow.VerdictReturn, orgflow.VerdictTransfer,
	orgflow.VerdictDelegate, orgflow.VerdictResolve, orgflow.VerdictAddSign, orgflow.VerdictRemoveSign,
}

// Check looks at what can be wrong with a decision whatever the flow is:
// BAD_PARAM, with the key to blame.
func (d NewDecision) Check() error {
	if !slices.Contains(verdicts, d.Decision) {
		return badParam("/decision", fmt.Sprintf("must be one of %s", joined(verdicts)))
	}
	if err := cmp.Or(
		plainText("/user_code", d.UserCode, maxCode), optionalText("/user_name", d.UserName, maxName),
		freeText("/comment", d.Comment, maxComment),
	); err != nil {
		return err
	}
	var attachments []json.RawMessage
	if d.Attachments != nil && (json.Unmarshal(d.Attachments, &attachments) != nil || len(attachments) > maxAttachments) {
		return badParam("/attachments", fmt.Sprintf("must be a list of at most %d", maxAttachments))
	}
	return d.checkTargets()
}

// checkTargets compares the verdict with what it needs besides.
func (d NewDecision) checkTargets() error {
	if d.ToNodeSeq != nil && d.Decision != orgflow.VerdictReturn {
		return badParam("/to_node_seq", `goes with the decision "return" only; to go on elsewhere give nextNodeSeq to /flow/onAudit`)
	}
	for i, u := range d.TargetUsers {
		if err := plainText(fmt.Sprintf("/target_users/%d", i), u, maxCode); err != nil {
			return err
		}
	}
	n := len(d.TargetUsers)
	switch d.Decision {
	case orgflow.VerdictTransfer, orgflow.VerdictDelegate:
		if n != 1 {
			return badParam("/target_users", fmt.Sprintf("must name one person to %s to; there are %d", d.Decision, n))
		}
	case orgflow.VerdictAddSign, orgflow.VerdictRemoveSign:
		if n == 0 {
			return badParam("/target_users", fmt.Sprintf("is required: the people to %s", strings.ReplaceAll(string(d.Decision), "_", " ")))
		}
	case orgflow.VerdictApprove:
	default:
		if n > 0 {
			return badParam("/target_users", fmt.Sprintf("does not go with the decision %q", d.Decision))
		}
	}
	if n > maxTargets {
		return badParam("/target_users", fmt.Sprintf("may name %d people; there are %d", maxTargets, n))
	}
	return nil
}

func joined[T ~string](list []T) string {
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = string(v)
	}
	return strings.Join(texts, ", ")
}
