package notice

// words are a language.
type words struct {
	colon, comma string
	text         map[string]string
}

// of returns a word; names nobody knows are shown as they are.
func (w words) of(name string) string {
	if text, ok := w.text[name]; ok {
		return text
	}
	return name
}

// wordsOf returns "en" or, for everything else, "zh".
func wordsOf(language string) words {
	if language == "en" {
		return english()
	}
	return chinese()
}

func english() words {
	return words{": ", ", ", map[string]string{
		"failed": "Run failed", "partial": "Run completed with failures", "parked": "Changes wait for approval",
		"breaker": "Nothing more is sent", "message": "Message not delivered", "missed": "Scheduled runs not started", "clear": "Over",
		"job": "Job", "run": "Run", "about": "About", "cause": "Cause", "advice": "Advice", "counts": "Counts", "repeated": "Repeated", "time": "Time",
		"times": "%d times more, since %s", "since": "since %s",
		"sync": "Sync", "pull": "Pull", "load": "Load", "target": "Target", "messages": "Messages", "tasks": "Messages about tasks", "schedule": "Schedule",
		"held": "held", "blocked": "blocked", "disputed": "disputed", "needs_human": "needs a person", "parked_changes": "waiting", "rejected": "set aside",
		"failed_changes": "failed", "planned": "not sent", "missed_runs": "not started",
		"code.catchup_window": "Temporal was away for longer than the catch-up window", "code.overlap": "an earlier run had not ended",
		"code.buffer":       "too many runs waited behind an earlier one",
		"code.unauthorized": "credentials refused", "code.forbidden": "permission missing", "code.too_many_failures": "most records failed",
		"code.throttled": "the address is banned, or calls are paused for minutes", "code.unavailable": "does not answer", "code.unknown_outcome": "no answer",
		"code.invalid_config": "settings are wrong", "code.target_busy": "another run was busy with it", "code.partial_read": "could not be read whole",
		"code.delete_limit": "too many deletes", "code.quota_exhausted": "quota used up", "code.not_found": "not found", "code.internal": "unexpected failure",
	}}
}

func chinese() words {
	return words{"：", "，", map[string]string{
		"failed": "运行失败", "partial": "运行完成，但有失败", "parked": "变更等待审批",
		"breaker": "已停止发送", "message": "消息未送达", "missed": "调度未启动运行", "clear": "已恢复",
		"job": "任务", "run": "运行", "about": "关于", "cause": "原因", "advice": "建议", "counts": "数量", "repeated": "重复", "time": "时间",
		"times": "又发生 %d 次，始于 %s", "since": "始于 %s",
		"sync": "同步", "pull": "拉取", "load": "装载", "target": "目标", "messages": "消息", "tasks": "任务消息", "schedule": "调度",
		"departments": "部门", "members": "成员", "rows": "行",
		"held": "保留", "blocked": "受阻", "disputed": "有争议", "needs_human": "需人工处理", "parked_changes": "等待审批", "rejected": "搁置",
		"failed_changes": "失败", "planned": "未发送", "missed_runs": "未启动",
		"code.catchup_window": "Temporal 中断超过补启动时限", "code.overlap": "前一次运行尚未结束", "code.buffer": "排队等待的运行过多",
		"code.unauthorized": "凭证被拒绝", "code.forbidden": "缺少权限", "code.too_many_failures": "多数记录失败",
		"code.throttled": "地址被封禁，或调用被暂停数分钟", "code.unavailable": "无应答", "code.unknown_outcome": "无应答",
		"code.invalid_config": "配置有误", "code.target_busy": "目标正被另一次运行占用", "code.partial_read": "未能完整读取",
		"code.delete_limit": "删除过多", "code.quota_exhausted": "配额已用完", "code.not_found": "不存在", "code.internal": "意外故障",
	}}
}
