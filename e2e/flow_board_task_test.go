package e2e

import (
	"fmt"
	"testing"
)

// Tasks of boards: whoever has one is told once it is submitted, once however
// often the board calls.
func boardTasks(t *testing.T, w *flowWorld) {
	task := func(no string, task object) {
		must(t, "PUT", "http://"+w.http+"/api/v1/boards/tasks/"+no, encode(t, task), nil)
	}
	task("draft", object{"status": "draft", "assignee": "E5", "title": "任务"})
	task("gone", object{"status": "submitted", "assignee": "E999", "title": "任务"})
	w.twice(w.launched("plain", "board"), []illegal{
		{"/message/taskNotify", []string{"taskNo", "draft"}, 409, "TASK_NOT_SUBMITTED"},
		{"/message/taskNotify", []string{"taskNo", "gone"}, 422, "ASSIGNEE_UNKNOWN"},
		{"/message/taskNotify", []string{"taskNo", "none"}, 404, "TASK_NOT_FOUND"},
		{"/message/taskNotify", nil, 400, "BAD_PARAM"},
	})
	for i := range raceRounds {
		no, done := fmt.Sprintf("bt%d", i), 0
		task(no, object{"status": "submitted", "assignee": "E5", "title": "任务"})
		for _, a := range w.together(4, func(int) (answered, error) { return w.tryFlow("/message/taskNotify", "taskNo", no) }) {
			if a.Status != 200 {
				t.Fatalf("taskNotify: %s", a)
			}
			if !a.Data.Already {
				done++
			}
		}
		if stored := w.rows(fmt.Sprintf(`SELECT to_user FROM outbox WHERE subject = 'task:%s'`, no)); done != 1 || len(stored) != 1 || stored[0] != "to_user=E5" {
			t.Fatalf("task %d: %d of the calls told somebody, messages %v", i, done, stored)
		}
	}
}
