package aiguanhuai

import (
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/vendorcode"
)

// Vendor codes that calls treat apart (reference § A.2).
const (
	codeFormat = "200008"
	codeEmpty  = "200009"
)

const (
	adviceSigning = "compare clock, key and canonical string with the vendor: starter meta sign --consumer ai_guan_huai prints the latter; which scheme applies is theirs to say, it is not tried out"
	adviceRecord  = "爱关怀 refuses this record; check its values against the template and the vendor's document"
)

// meanings is the reference's table, and our own codes at the end.
var meanings = vendorcode.Table{
	"200003":   {Code: orgflow.CodeUnauthorized, Advice: adviceSigning, Field: pointer + "signing"},
	"200004":   {Code: orgflow.CodeUnauthorized, Advice: "the partnerId is unknown; check partner_id of the consumer ai_guan_huai in company.json", Field: pointer + "partner_id"},
	"200005":   {Code: orgflow.CodeUnauthorized, Advice: "the company is unknown; check corp_id of the consumer ai_guan_huai in company.json", Field: pointer + "corp_id"},
	"200006":   {Code: orgflow.CodeNotFound, Advice: "the push task has expired or is completed; everything is pushed again under a new one", Cause: connectors.ErrTaskGone},
	"200007":   {Code: orgflow.CodeUnavailable, Advice: "爱关怀 reports an internal error; the same batch is sent again"},
	codeFormat: {Code: orgflow.CodeInvalidRecord, Advice: adviceRecord},
	codeEmpty:  {Code: orgflow.CodeInvalidRecord, Advice: adviceRecord + "; to the vendor it has no data"},

	vendorcode.Malformed:    {Code: orgflow.CodeUnknownOutcome, Advice: "the answer is not readable; what was sent is sent again, which is harmless"},
	vendorcode.HTTP + "401": {Code: orgflow.CodeUnauthorized, Advice: adviceSigning, Field: pointer + "signing"},
	vendorcode.HTTP + "403": {Code: orgflow.CodeForbidden, Advice: "the address refuses this machine; ask the vendor to admit its public address"},
	vendorcode.HTTP + "404": {Code: orgflow.CodeInvalidConfig, Advice: "nothing answers at this address; check base_url in company.json", Field: pointer + "base_url"},
	vendorcode.HTTP + "408": {Code: orgflow.CodeUnknownOutcome, Advice: "the answer did not come in time; what was sent is sent again, which is harmless"},
	vendorcode.HTTP + "413": {Code: orgflow.CodeInvalidRecord, Advice: "the body is too large for the vendor even with one record; lower max_bytes where batches are refused often"},
	vendorcode.HTTP + "429": {Code: orgflow.CodeThrottled, Advice: "too fast for 爱关怀; the run goes on by itself after a pause, lower qps in company.json if this is frequent", After: time.Second},
}

var others = vendorcode.Others{
	Gateway:  vendorcode.Meaning{Code: orgflow.CodeUnknownOutcome, Advice: "a gateway failed; what was sent is sent again, which is harmless"},
	Redirect: vendorcode.Meaning{Code: orgflow.CodeInvalidConfig, Advice: "the address redirects; check base_url in company.json", Field: pointer + "base_url"},
	Unknown: vendorcode.Meaning{
		Code:   orgflow.CodeInternal,
		Advice: "orgflow does not know this 爱关怀 code; look it up in the vendor's document and report it",
	},
}
