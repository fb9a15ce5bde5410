package web

// problemTexts are of the page that tells what went wrong.
var problemTexts = map[string][2]string{
	"problem":         {"未能完成", "That did not work"},
	"problem.field":   {"涉及", "Concerns"},
	"problem.code":    {"代码", "Code"},
	"problem.request": {"请求编号", "Request"},
	"problem.back":    {"返回", "Back"},
}
