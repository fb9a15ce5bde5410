package api

import (
	"net/http"

	"orgflow"
)

// Codes of flows (approval reference B.3). Those that the state machine
// answers with have the same status there.
const (
	CodeBadParam          orgflow.Code = "BAD_PARAM"
	CodeDefinitionInvalid orgflow.Code = "DEFINITION_INVALID"
	CodeFlowNotFound      orgflow.Code = "FLOW_NOT_FOUND"
	CodeFlowDefNotFound   orgflow.Code = "FLOW_DEF_NOT_FOUND"
	CodeNodeNotFound      orgflow.Code = "NODE_NOT_FOUND"
	CodeDataNotFound      orgflow.Code = "DATA_NOT_FOUND"
	CodeTaskNotFound      orgflow.Code = "TASK_NOT_FOUND"
	CodeNodeNotJumpable   orgflow.Code = "NODE_NOT_JUMPABLE"
	CodeNotAllowed        orgflow.Code = "NOT_ALLOWED"
)

// flowStatuses is the part of the table of codes that is about flows.
var flowStatuses = map[orgflow.Code]int{
	CodeBadParam:          http.StatusBadRequest,
	CodeDefinitionInvalid: http.StatusUnprocessableEntity,
	CodeFlowNotFound:      http.StatusNotFound,
	CodeFlowDefNotFound:   http.StatusNotFound,
	CodeNodeNotFound:      http.StatusNotFound,
	CodeDataNotFound:      http.StatusNotFound,
	CodeTaskNotFound:      http.StatusNotFound,
	CodeNodeNotJumpable:   http.StatusUnprocessableEntity,
	CodeNotAllowed:        http.StatusConflict,
}

func badParam(field, message string) *Error {
	return &Error{Code: CodeBadParam, Field: field, Message: field + " " + message}
}
