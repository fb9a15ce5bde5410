package wecom

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"mime/multipart"
	"net/textproto"
	"net/url"
	"slices"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/vendorcode"
	"orgflow/connectors/wire"
)

// Kinds of imports, in the words of getresult. replace_user is not among
// them: it deletes everybody the file does not name, past the safeguards on
// deletes.
const (
	SyncPeople         = "sync_user"     // creates and updates the file's people
	ReplaceDepartments = "replace_party" // makes the tree what the file says
)

// importPause is how long to wait where another import runs (302008).
const importPause = time.Minute

// Paths of imports (WeCom reference § 6).
const (
	pathUpload       = "/cgi-bin/media/upload"
	pathSyncUser     = "/cgi-bin/batch/syncuser"
	pathReplaceParty = "/cgi-bin/batch/replaceparty"
	pathJobResult    = "/cgi-bin/batch/getresult"
)

// StartImport uploads the file and starts its job. Repeating it after an
// unknown outcome is harmless: while the first job runs the second is refused
// with CodeThrottled (302008), and afterwards it finds everything as the file
// says.
func (c *Client) StartImport(ctx context.Context, imp connectors.Import) (job connectors.ImportJob, r connectors.Receipt, err error) {
	path, known := map[string]string{SyncPeople: pathSyncUser, ReplaceDepartments: pathReplaceParty}[imp.Kind]
	if !known || len(imp.IDs) == 0 {
		return job, r, orgflow.Faultf(orgflow.CodeInternal, "an import of kind %q with %d lines cannot be started", imp.Kind, len(imp.IDs))
	}
	if imp.Kind == ReplaceDepartments && c.cfg.RootDepartmentID != 1 {
		return job, r, connectors.Refuse("/consumers/we_com/root_department_id", "a full import replaces the tree of the whole enterprise, so it is for a root_department_id of 1 only")
	}
	media, err := c.upload(ctx, &r, imp.File)
	if err != nil {
		return job, r, err
	}
	body := map[string]any{"media_id": media}
	if imp.Kind == SyncPeople {
		body["to_invite"] = c.cfg.ToInvite
	}
	var started struct {
		JobID wire.Text `json:"jobid"`
	}
	if _, err := c.call(ctx, &r, request{path: path, body: body, write: true, serial: true}, &started); err != nil {
		return job, r, err
	}
	if started.JobID == "" {
		return job, r, &orgflow.Fault{Code: orgflow.CodeUnknownOutcome, VendorCode: vendorcode.Malformed, Message: "the answer to " + path + " carries no jobid"}
	}
	return connectors.ImportJob{ID: string(started.JobID), Kind: imp.Kind}, r, nil
}

// upload puts a file at WeCom for three days, with the part's name, filename
// and filelength as documented. Nothing refers to it until a job does.
func (c *Client) upload(ctx context.Context, r *connectors.Receipt, file []byte) (string, error) {
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {fmt.Sprintf(`form-data; name="media"; filename="import.csv"; filelength=%d`, len(file))},
		"Content-Type":        {"application/octet-stream"},
	})
	if err == nil {
		_, err = part.Write(file)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return "", &orgflow.Fault{Code: orgflow.CodeInternal, Message: "encoding the upload", Err: err}
	}
	var got struct {
		MediaID wire.Text `json:"media_id"`
	}
	q := request{path: pathUpload, query: url.Values{"type": {"file"}}, raw: buf.Bytes(), contentType: w.FormDataContentType()}
	if _, err := c.call(ctx, r, q, &got); err != nil {
		return "", err
	}
	if got.MediaID == "" {
		return "", vendorcode.MalformedRead("the answer to media/upload carries no media_id")
	}
	return string(got.MediaID), nil
}

// PollImport asks for a job's results. Until Done it may be asked again, at
// a pace of some seconds. A job that WeCom does not know any more (40088,
// 40089) is CodeNotFound: what it did has to be looked up.
func (c *Client) PollImport(ctx context.Context, job connectors.ImportJob) (result connectors.ImportResult, r connectors.Receipt, err error) {
	var got struct {
		Status     wire.Int          `json:"status"`
		Type       wire.Text         `json:"type"`
		Total      wire.Int          `json:"total"`
		Percentage wire.Int          `json:"percentage"`
		Result     []json.RawMessage `json:"result"`
	}
	f, err := c.call(ctx, &r, request{path: pathJobResult, query: url.Values{"jobid": {job.ID}}}, &got)
	if f != nil && (f.VendorCode == "40088" || f.VendorCode == "40089") {
		f.Code = orgflow.CodeNotFound
	}
	if err != nil {
		return result, r, err
	}
	if got.Type != "" && string(got.Type) != job.Kind {
		return result, r, orgflow.Faultf(orgflow.CodeInternal, "job %s is of kind %s, not %s", job.ID, got.Type, job.Kind)
	}
	if got.Status < 1 || got.Status > 3 {
		return result, r, vendorcode.MalformedRead("the answer to batch/getresult does not say how far the job is")
	}
	result = connectors.ImportResult{Done: got.Status == 3, Total: int(got.Total), Percentage: int(got.Percentage)}
	if !result.Done {
		return result, r, nil // lines mean nothing before (WeCom reference § 6)
	}
	for _, raw := range got.Result {
		line, err := c.line(job.Kind, raw)
		if err != nil {
			return connectors.ImportResult{}, r, err
		}
		result.Lines = append(result.Lines, line)
	}
	return result, r, nil
}

// line reads one line's outcome.
func (c *Client) line(kind string, raw json.RawMessage) (connectors.ImportLine, error) {
	var got struct {
		UserID  wire.Text `json:"userid"`
		PartyID wire.Text `json:"partyid"`
		ErrCode wire.Text `json:"errcode"`
		ErrMsg  wire.Text `json:"errmsg"`
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		return connectors.ImportLine{}, vendorcode.MalformedRead("a line of the job's result is not as documented")
	}
	line := connectors.ImportLine{ID: string(got.UserID)}
	if kind == ReplaceDepartments {
		line.ID = string(got.PartyID)
	}
	a := answer{code: string(got.ErrCode), ErrMsg: got.ErrMsg}
	switch {
	case line.ID == "" || got.ErrCode == "": // which line, or what became of it, is not said
		a.code = vendorcode.Malformed
	case got.ErrCode == "0":
		return line, nil
	}
	line.Fault = c.fault(&a, request{path: pathJobResult, write: true}, c.link.Now())
	if kind == SyncPeople {
		line.Again = worthACall(line.Fault)
		line.Fault = blameDepartments(line.Fault)
	}
	return line, nil
}

// worthACall tells whether a call about the person alone may end better than
// their line did: it waits for what passes, leaves out a field that WeCom
// refuses, and knows who is gone.
func worthACall(f *orgflow.Fault) bool {
	return f.Transient() || f.StopsRun() || saysNoPerson(f.VendorCode) ||
		optionalField(f.VendorCode, map[string]any{"mobile": ""}) != ""
}

func sortedNames(body map[string]any) []string { return slices.Sorted(maps.Keys(body)) }
