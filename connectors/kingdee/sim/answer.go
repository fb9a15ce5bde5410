package kdsim

import (
	"maps"
	"net/http"
	"strconv"

	"orgflow/connectors/simctl"
)

// lost answers that there is no session, in the shape of the service or the
// one that the switches say.
func (in *call) lost() simctl.Answer {
	shape := in.set.LostShape
	if shape == "service" {
		switch in.service {
		case "ExecuteBillQuery":
			shape = "nested"
		case "BillQuery":
			shape = "list"
		case "View":
			shape = "empty"
		}
	}
	result := failed(500, 1, textLost)
	switch shape {
	case "nested":
		return simctl.JSON(http.StatusOK, "1", []any{[]any{result}})
	case "list":
		return simctl.JSON(http.StatusOK, "1", []any{result})
	case "empty":
		return simctl.Answer{Outcome: "1"}
	}
	return simctl.JSON(http.StatusOK, "1", result)
}

// fail answers a failure under HTTP 200 in the shape of the service (§ 3.2).
func (in *call) fail(msgCode int, message string) simctl.Answer {
	outcome := "error"
	if msgCode != 0 {
		outcome = strconv.Itoa(msgCode)
	}
	result := failed(500, msgCode, message)
	switch in.service {
	case "ExecuteBillQuery":
		return simctl.JSON(http.StatusOK, outcome, []any{[]any{result}})
	case "BillQuery":
		return simctl.JSON(http.StatusOK, outcome, []any{result})
	}
	return simctl.JSON(http.StatusOK, outcome, result)
}

// failed is the object that failures come in (§ 3.1).
func failed(errorCode, msgCode int, message string) map[string]any {
	return map[string]any{"Result": map[string]any{"ResponseStatus": map[string]any{
		"ErrorCode": errorCode, "IsSuccess": false, "Errors": []any{map[string]any{"FieldName": nil, "Message": message, "DIndex": 0}},
		"SuccessEntitys": []any{}, "SuccessMessages": []any{}, "MsgCode": msgCode,
	}}}
}

func succeeded(more map[string]any) simctl.Answer {
	result := map[string]any{"ResponseStatus": map[string]any{
		"ErrorCode": 0, "IsSuccess": true, "Errors": []any{}, "SuccessEntitys": []any{}, "SuccessMessages": []any{}, "MsgCode": 0,
	}}
	maps.Copy(result, more)
	return simctl.JSON(http.StatusOK, simctl.OK, map[string]any{"Result": result})
}
