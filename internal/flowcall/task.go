package flowcall

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"orgflow/internal/approval"
	"orgflow/internal/flow"
	"orgflow/internal/store"
)

// TaskAnswer is what /message/taskNotify answers.
type TaskAnswer struct {
	TaskNo  string `json:"taskNo"`
	User    string `json:"userCode"`
	Already bool   `json:"already,omitempty"` // told before
}

// TaskNotify tells the assignee of a submitted board task, once per
// submission.
func (s *Service) TaskNotify(ctx context.Context, taskNo, company string) (TaskAnswer, error) {
	var p params
	id := s.company(&p, company)
	no := p.text("taskNo", taskNo, true)
	if err := p.checked(); err != nil {
		return TaskAnswer{}, err
	}
	task, err := s.Store.GetTask(ctx, id, no)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return TaskAnswer{}, refuse(codeTaskNotFound, fmt.Sprintf("there is no board task %s", no), 0)
	case err != nil:
		return TaskAnswer{}, err
	case task.Status != store.TaskSubmitted:
		return TaskAnswer{}, refuse(codeNotSubmitted, fmt.Sprintf("board task %s is %q, not %q", no, task.Status, store.TaskSubmitted), 0)
	}
	found, err := s.Store.UsersByCodes(ctx, id, []string{task.Assignee})
	if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrAmbiguous) {
		return TaskAnswer{}, err
	}
	if _, ok := found[task.Assignee]; !ok {
		return TaskAnswer{}, refuse(codeNoAssignee, fmt.Sprintf("the assignee %q of board task %s is not in the organisation", task.Assignee, no), 0)
	}
	messages, err := s.taskMessages(id, task)
	if err != nil {
		return TaskAnswer{}, err
	}
	stored, err := s.Store.Enqueue(ctx, id, messages)
	for _, m := range messages {
		if err == nil {
			s.Keeper.Tell(ctx, id, []string{m.Channel})
		}
	}
	return TaskAnswer{TaskNo: no, User: task.Assignee, Already: stored == 0}, err
}

func (s *Service) taskMessages(id int64, task store.BoardTask) ([]store.NewMessage, error) {
	company, err := s.Files.Company(id)
	if err != nil {
		return nil, err
	}
	templates, err := flow.Templates(company)
	if err != nil {
		return nil, err
	}
	body, err := flow.Body(templates[approval.BoardTask], approval.TextFacts{
		TaskNo: task.No, TaskTitle: task.Title, TaskRev: strconv.FormatInt(task.Rev, 10), At: task.SubmittedAt,
	}, company)
	if err != nil {
		return nil, err
	}
	var out []store.NewMessage
	for _, channel := range flow.Channels(company) {
		out = append(out, store.NewMessage{
			DedupKey: fmt.Sprintf("task:%s:%d:%s", task.No, task.SubmittedAt.UnixMicro(), channel), Channel: channel,
			ToUser: task.Assignee, Subject: "task:" + task.No, Kind: approval.BoardTask, Body: body,
		})
	}
	return out, nil
}
