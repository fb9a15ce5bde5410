// Package dingtalk is the consumer DingTalk (钉钉) over its contact API v2 or
// v1. The client speaks v2; dialect.go chooses, v1.go translates each call on
// its way out and its answer on the way back.
//
// Departments and people are written on the old host (/topapi/v2/*), whose
// answers are always HTTP 200 and carry the failure in errcode, or in
// sub_code where errcode is 88; tokens come from the new host
// (/v1.0/oauth2/accessToken), whose failures are HTTP statuses with a
// textual code (DingTalk reference § 0–2). One token serves both.
//
// faults.go is the only place where vendor codes get a meaning, fields.go
// and, for v1, v1_fields.go the only places that know the wire form of a field.
package dingtalk
