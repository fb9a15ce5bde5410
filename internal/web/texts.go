package web

// texts are all words of the pages, by key: Chinese, English. The words of a
// section stand in a file of their own.
var texts = merge(common, problemTexts, orgTexts, syncTexts, metaTexts, flowTexts, opsTexts)

func merge(all ...map[string][2]string) map[string][2]string {
	out := map[string][2]string{}
	for _, one := range all {
		for key, pair := range one {
			if _, twice := out[key]; twice {
				panic("two texts have the key " + key) // a defect of the program, met at its start
			}
			out[key] = pair
		}
	}
	return out
}

var common = map[string][2]string{
	"skip":          {"跳到内容", "Skip to content"},
	"nav":           {"导航", "Navigation"},
	"nav.org":       {"组织", "Organisation"},
	"nav.sync":      {"同步", "Sync"},
	"nav.flows":     {"审批", "Flows"},
	"nav.erp":       {"ERP", "ERP"},
	"nav.schedules": {"调度", "Schedules"},
	"nav.consumers": {"目标系统", "Consumers"},
	"settings":      {"设置", "Settings"},

	"start":             {"首页", "Start"},
	"start.what":        {"组织、审批与 ERP 数据的持久同步。", "Keeps people, approvals and ERP data in step across systems."},
	"start.webui":       {"查看与操作工作流", "watch and steer workflows"},
	"start.runs":        {"同步运行", "sync runs"},
	"start.schedules":   {"调度", "schedules"},
	"start.flows":       {"审批流程", "approval flows"},
	"start.definitions": {"流程定义", "flow definitions"},
	"start.loads":       {"ERP 数据读取", "loads of ERP forms"},
	"start.openapi":     {"接口说明", "OpenAPI 3.1 description of all routes"},
	"start.operations":  {"运维", "operations"},

	"role.read":    {"查看", "read"},
	"role.operate": {"操作", "operate"},
	"role.approve": {"审批", "approve"},
	"role.admin":   {"管理员", "admin"},

	"signin":          {"登录", "Sign in"},
	"signin.dingtalk": {"使用钉钉登录", "Sign in with DingTalk"},
	"signin.already":  {"当前已登录：%s。再次登录会替换现在的会话。", "You are signed in as %s. Signing in again replaces this session."},
	"signin.none":     {"没有公司配置了钉钉连接。", "No company has a connection to DingTalk."},
	"signin.members":  {"只有本企业的钉钉成员可以登录。", "Only members of the organisation at DingTalk can sign in."},
	"signin.keys":     {"程序请使用 API 密钥（Authorization: Bearer）。", "Programs use an API key (Authorization: Bearer)."},

	"app.waiting": {"正在通过钉钉登录…", "Signing in through DingTalk…"},
	"app.failed":  {"钉钉没有给出授权码，请使用下面的按钮。", "DingTalk gave no code; use the button below."},

	"local":      {"本机管理员", "Local administrator"},
	"local.what": {"此链接只能使用一次，只在本机有效。", "This link works once, and on this machine only."},
	"local.do":   {"以管理员身份登录", "Sign in as administrator"},

	"refused":               {"未能登录", "Not signed in"},
	"refused.again":         {"重新登录", "Sign in again"},
	"refused.over":          {"登录已过期、已使用过，或不是在这个浏览器中开始的。请重新登录。", "This sign-in is over, was used already, or was not begun in this browser. Sign in again."},
	"refused.denied":        {"您在钉钉中取消了授权。", "You refused the sign-in at DingTalk."},
	"refused.member":        {"您不是本企业的成员，不能登录。", "You are not a member of this organisation."},
	"refused.code":          {"授权码无效、已使用或已过期。请重新登录。", "The code is unknown, used or expired. Sign in again."},
	"refused.ambiguous":     {"您的工号在通讯录中不唯一，无法确定您的身份。请联系管理员。", "Your job number is not unique in the directory, so that it is not certain who you are. Ask your administrator."},
	"refused.role":          {"您还没有被授予任何权限。请联系管理员。", "You have not been given any role here. Ask your administrator."},
	"refused.permission":    {"您的权限不足以查看此页面。", "Your role does not allow this page."},
	"refused.unavailable":   {"现在无法确认您是否为本企业成员，因此没有登录。请稍后再试。", "It could not be found out whether you are a member, so you were not signed in. Try again later."},
	"refused.configuration": {"登录尚未配置完整。", "Signing in is not configured completely."},
	"refused.often":         {"失败次数过多，请稍后再试。", "Too many failed tries. Wait before you try again."},
	"refused.local":         {"此链接只能在运行 orgflow 的机器上使用。", "This link works only on the machine that orgflow runs on."},

	"signout":            {"退出登录", "Sign out"},
	"signout.everywhere": {"退出所有设备", "Sign out everywhere"},
	"signout.nobody":     {"您没有登录。", "You are not signed in."},
	"me.name":            {"姓名", "Name"},
	"me.role":            {"权限", "Role"},

	"settings.dingtalk": {"钉钉", "DingTalk"},
	"settings.field":    {"项目", "Setting"},
	"settings.value":    {"值", "Value"},
	"settings.from":     {"来源", "Comes from"},
	"settings.set":      {"已设置", "set"},
	"settings.missing":  {"未设置", "missing"},
	"settings.optional": {"未设置（可选）", "not set (optional)"},
	"settings.enter":    {"在钉钉开发者后台填写", "Enter in the DingTalk developer console"},
	"settings.redirect": {"安全设置 · 重定向 URL（回调域名）", "Security settings (安全设置) · redirect URL"},
	"settings.home":     {"网页应用 · PC端 / 移动端首页地址", "Web app (网页应用) · home page, PC and mobile"},
	"settings.events":   {"事件订阅 · 请求网址", "Event subscription (事件订阅) · address"},
	"settings.test":     {"测试连接", "Test the connection"},
	"settings.result":   {"测试结果", "Result"},
	"settings.publish": {
		"权限和 IP 白名单修改后，需要在“版本管理与发布”中发布新版本才会生效。Contact.User.Read（通讯录个人信息读权限）在有人登录时才能验证。",
		"After a change of permissions publish the application's version (版本管理与发布), else it has no effect. Contact.User.Read shows when somebody signs in.",
	},
	"step.works":       {"正常", "works"},
	"step.failed":      {"失败", "failed"},
	"step.skipped":     {"– 未测试", "– not tried"},
	"step.token":       {"Client ID 与 Client Secret", "Client ID and Client Secret"},
	"step.scope":       {"IP 白名单与授权范围", "IP white list and contact scope"},
	"step.departments": {"通讯录部门信息读权限", "read departments"},
	"step.members":     {"通讯录部门成员读权限", "read members of departments"},
	"step.person":      {"成员信息读权限（登录需要）", "read a member (needed to sign in)"},
	"step.mobile":      {"根据手机号获取成员的权限", "find a member by mobile number"},
}

// text is a text by its key; a key without one shows itself, so that a page
// is never empty.
func text(lang Lang, key string) string {
	pair, ok := texts[key]
	switch {
	case !ok:
		return key
	case lang == Chinese:
		return pair[0]
	}
	return pair[1]
}
