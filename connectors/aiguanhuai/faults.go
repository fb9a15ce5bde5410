package aiguanhuai

import (
	"net/http"
	"strings"
	"time"

	"orgflow"
	"orgflow/connectors"
)

// Vendor codes that calls treat apart (reference § A.2).
const (
	codeFormat = "200008"
	codeEmpty  = "200009"
)

// meaning is what a vendor code is to us.
type meaning struct {
	code   orgflow.Code
	advice string
	field  string
	after  time.Duration // usual wait before the next attempt
	cause  error
}

const (
	adviceSigning = "compare clock, key and canonical string with the vendor: starter meta sign --consumer ai_guan_huai prints the latter; which scheme applies is theirs to say, it is not tried out"
	adviceRecord  = "爱关怀 refuses this record; check its values against the template and the vendor's document"
)

// meanings is the reference's table, and our own codes at the end.
var meanings = map[string]meaning{
	"200003":   {code: orgflow.CodeUnauthorized, advice: adviceSigning, field: pointer + "signing"},
	"200004":   {code: orgflow.CodeUnauthorized, advice: "the partnerId is unknown; check partner_id of the consumer ai_guan_huai in company.json", field: pointer + "partner_id"},
	"200005":   {code: orgflow.CodeUnauthorized, advice: "the company is unknown; check corp_id of the consumer ai_guan_huai in company.json", field: pointer + "corp_id"},
	"200006":   {code: orgflow.CodeNotFound, advice: "the push task has expired or is completed; everything is pushed again under a new one", cause: connectors.ErrTaskGone},
	"200007":   {code: orgflow.CodeUnavailable, advice: "爱关怀 reports an internal error; the same batch is sent again"},
	codeFormat: {code: orgflow.CodeInvalidRecord, advice: adviceRecord},
	codeEmpty:  {code: orgflow.CodeInvalidRecord, advice: adviceRecord + "; to the vendor it has no data"},

	codeMalformed:    {code: orgflow.CodeUnknownOutcome, advice: "the answer is not readable; what was sent is sent again, which is harmless"},
	codeHTTP + "401": {code: orgflow.CodeUnauthorized, advice: adviceSigning, field: pointer + "signing"},
	codeHTTP + "403": {code: orgflow.CodeForbidden, advice: "the address refuses this machine; ask the vendor to admit its public address"},
	codeHTTP + "404": {code: orgflow.CodeInvalidConfig, advice: "nothing answers at this address; check base_url in company.json", field: pointer + "base_url"},
	codeHTTP + "408": {code: orgflow.CodeUnknownOutcome, advice: "the answer did not come in time; what was sent is sent again, which is harmless"},
	codeHTTP + "413": {code: orgflow.CodeInvalidRecord, advice: "the body is too large for the vendor even with one record; lower max_bytes where batches are refused often"},
	codeHTTP + "429": {code: orgflow.CodeThrottled, advice: "too fast for 爱关怀; the run goes on by itself after a pause, lower qps in company.json if this is frequent", after: time.Second},
}

// meaningOf looks a code up. A code that is in no table stays unknown: it is
// never success.
func meaningOf(code string, status int) meaning {
	if m, ok := meanings[code]; ok {
		return m
	}
	switch {
	case strings.HasPrefix(code, codeHTTP) && status >= http.StatusInternalServerError:
		return meaning{code: orgflow.CodeUnknownOutcome, advice: "a gateway failed; what was sent is sent again, which is harmless"}
	case strings.HasPrefix(code, codeHTTP) && status >= http.StatusMultipleChoices && status < http.StatusBadRequest:
		return meaning{code: orgflow.CodeInvalidConfig, advice: "the address redirects; check base_url in company.json", field: pointer + "base_url"}
	}
	return meaning{
		code:   orgflow.CodeInternal,
		advice: "orgflow does not know this 爱关怀 code; look it up in the vendor's document and report it",
	}
}
