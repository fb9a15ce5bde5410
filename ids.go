package orgflow

import (
	"fmt"
	"time"
)

// SyncRunID builds the workflow id of a run started by CLI or HTTP:
// "sync-129-ding_talk-20261121T0100Z-7f3a". The suffix tells runs of one
// minute apart.
func SyncRunID(t Target, at time.Time, suffix string) string {
	return fmt.Sprintf("sync-%d-%s-%s-%s", t.CompanyID, t.Consumer, at.UTC().Format("20060102T1504Z"), suffix)
}

// ContactEventsID is the workflow id of a target's gatherer of contact
// events: "contact-events-129-ding_talk". There is one at a time.
func ContactEventsID(t Target) string {
	return fmt.Sprintf("contact-events-%d-%s", t.CompanyID, t.Consumer)
}

// ContactPullID is the workflow id of what pulls a target's organisation when
// it tells of changes: "contact-pull-129-ding_talk". There is one at a time.
func ContactPullID(t Target) string {
	return fmt.Sprintf("contact-pull-%d-%s", t.CompanyID, t.Consumer)
}

// NotifyID is the workflow id of Notify for a company's messages on one
// channel: "notify-129-ding_talk". There is one at a time.
func NotifyID(t Target) string {
	return fmt.Sprintf("notify-%d-%s", t.CompanyID, t.Consumer)
}

// EffectKey is how a record of ours is recognised at a consumer that assigns
// its own ids (DingTalk departments: source_identifier): "orgflow:129:org:11".
func EffectKey(companyID int64, k RecordKey) string {
	return fmt.Sprintf("orgflow:%d:%s", companyID, k)
}

// FlowWorkflowID is the workflow id of an approval flow: its number, with the
// company before it ("129-ztbxx01_202111_0001") where several are configured
// when it is launched. Which one it has is stored with the flow.
func FlowWorkflowID(companyID int64, no string, severalCompanies bool) string {
	if !severalCompanies {
		return no
	}
	return fmt.Sprintf("%d-%s", companyID, no)
}
