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

// SyncPeople is the one kind of import orgflow starts, in the word of
// getresult: it creates and updates the file's people and deletes nobody, so
// that WeCom's guard on mass deletes (45026) never judges it. The full
// imports, replace_user and replace_party, are not used: they delete whoever
// is not in the file, past plan and safeguards (WeCom reference § 6).
const SyncPeople = "sync_user"

// importPause is how long to wait where another import runs (302008).
const importPause = time.Minute

// Paths of imports (WeCom reference § 6).
const (
	pathUpload    = "/cgi-bin/media/upload"
	pathSyncUser  = "/cgi-bin/batch/syncuser"
	pathJobResult = "/cgi-bin/batch/getresult"
)

// StartImport uploads the file and starts its job. Repeating it after an
// unknown outcome is harmless: while the first job runs the second is refused
// with CodeThrottled (302008), and afterwards it finds everything as the file
// says.
func (c *Client) StartImport(ctx context.Context, imp connectors.Import) (job connectors.ImportJob, r connectors.Receipt, err error) {
	if imp.Kind != SyncPeople || len(imp.IDs) == 0 {
		return job, r, orgflow.Faultf(orgflow.CodeInternal, "an import of kind %q with %d lines cannot be started", imp.Kind, len(imp.IDs))
	}
	media, err := c.upload(ctx, &r, imp.File)
	if err != nil {
		return job, r, err
	}
	body := map[string]any{"media_id": media, "to_invite": c.cfg.ToInvite}
	var started struct {
		JobID wire.Text `json:"jobid"`
	}
	if _, err := c.call(ctx, &r, request{path: pathSyncUser, body: body, write: true, serial: true}, &started); err != nil {
		return job, r, err
	}
	if started.JobID == "" {
		return job, r, &orgflow.Fault{Code: orgflow.CodeUnknownOutcome, VendorCode: vendorcode.Malformed, Message: "the answer to batch/syncuser carries no jobid"}
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
		line, err := c.line(raw)
		if err != nil {
			return connectors.ImportResult{}, r, err
		}
		result.Lines = append(result.Lines, line)
	}
	return result, r, nil
}

// line reads one line's outcome.
func (c *Client) line(raw json.RawMessage) (connectors.ImportLine, error) {
	var got struct {
		UserID  wire.Text `json:"userid"`
		ErrCode wire.Text `json:"errcode"`
		ErrMsg  wire.Text `json:"errmsg"`
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		return connectors.ImportLine{}, vendorcode.MalformedRead("a line of the job's result is not as documented")
	}
	line := connectors.ImportLine{ID: string(got.UserID)}
	a := answer{code: string(got.ErrCode), ErrMsg: got.ErrMsg}
	switch {
	case line.ID == "" || got.ErrCode == "": // which line, or what became of it, is not said
		a.code = vendorcode.Malformed
	case got.ErrCode == "0":
		return line, nil
	}
	f := c.fault(&a, request{path: pathJobResult, write: true}, c.link.Now())
	line.Again = worthACall(f)
	line.Fault = blameDepartments(f)
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
