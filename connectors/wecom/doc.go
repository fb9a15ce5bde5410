// Package wecom is the consumer WeCom (企业微信) over its contacts API.
//
// Every call goes to <base_url>/cgi-bin/… with the token in the query; every
// answer is HTTP 200 and carries the failure in errcode, which successes may
// leave out (WeCom reference § 1). A success whose text warns was applied in
// part only and is not believed.
//
// # What cannot be read
//
// Since 2022 most installations may write people and departments but not
// read their details (48009, reference § 3). Nothing here depends on reading
// them: what was accepted is kept by orgflow itself, existence is looked up
// with department/simplelist and user/list_id, and a write whose outcome is
// unknown can be repeated, because both kinds are written under ids of our
// own choice. Where details can be read they are, to spare writes, to take
// over namesakes and to verify a changed mobile number.
//
// # Batch jobs
//
// Above some number of changes an import file is cheaper than a call per
// record (reference § 6): PlanImport writes such files, StartImport uploads
// one and starts its job, PollImport asks for its results line by line.
//
// The job of an attempt whose outcome is unknown cannot be asked for by
// anything but its id, and there is no list of jobs, so it is not looked for:
// syncuser sets what its file says, and an import that runs already answers
// 302008, a reason to wait. A later attempt with the same file changes
// nothing more.
//
// faults.go is the only place where vendor codes get a meaning, fields.go
// the only place that knows the wire form of a field.
package wecom
