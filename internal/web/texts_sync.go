package web

// syncTexts are of the pages of sync runs.
var syncTexts = map[string][2]string{
	"sync":          {"同步运行", "Sync runs"},
	"sync.run":      {"运行", "Run"},
	"sync.target":   {"目标", "Target"},
	"sync.status":   {"状态", "Status"},
	"sync.started":  {"开始", "Started"},
	"sync.finished": {"结束", "Ended"},
	"sync.none":     {"还没有运行。", "There are no runs yet."},
	"older":         {"更早的", "Older"},

	"status.running":                 {"运行中", "running"},
	"status.paused":                  {"已暂停", "paused"},
	"status.awaiting_approval":       {"等待批准", "awaiting approval"},
	"status.rejected":                {"已拒绝", "rejected"},
	"status.superseded":              {"已被取代", "superseded"},
	"status.completed":               {"已完成", "completed"},
	"status.completed_with_failures": {"完成，有失败", "completed with failures"},
	"status.failed":                  {"失败", "failed"},
	"status.canceled":                {"已取消", "cancelled"},
}
