package kingdee

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"orgflow"
	"orgflow/connectors/vendorcode"
	"orgflow/connectors/wire"
)

// What QueryBusinessInfo answers (Kingdee reference § 5).
type (
	businessInfo struct {
		ID      wire.Text    `json:"Id"`
		Name    names        `json:"Name"`
		Key     wire.Text    `json:"PkFieldName"`
		Entries []formEntity `json:"Entrys"`
	}
	formEntity struct {
		ID     wire.Text   `json:"Key"`
		Name   names       `json:"Name"`
		Parent wire.Text   `json:"ParentKey"`
		Key    wire.Text   `json:"EntryPkFieldName"`
		Fields []formField `json:"Fields"`
	}
	formField struct {
		ID      wire.Text  `json:"Key"`
		Name    names      `json:"Name"`
		Type    wire.Text  `json:"FieldType"`
		Element wire.Text  `json:"ElementType"`
		Lookup  wire.Text  `json:"LookUpObjectFormId"`
		Visible *wire.Bool `json:"IsViewVisible"`
	}
)

// names are a text in several languages, or in one.
type names []localName

type localName struct {
	Language wire.Text `json:"Key"`
	Text     wire.Text `json:"Value"`
}

// UnmarshalJSON reads [{"Key": 2052, "Value": "…"}], or a plain text.
func (n *names) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '[' {
		var list []localName
		err := json.Unmarshal(raw, &list)
		*n = list
		return err
	}
	var t wire.Text
	if err := t.UnmarshalJSON(raw); err != nil {
		return err
	}
	*n = names{{Text: t}}
	return nil
}

// in is the name in a language, or else the first there is.
func (n names) in(lcid int) string {
	first := ""
	for _, l := range n {
		if string(l.Language) == strconv.Itoa(lcid) && l.Text != "" {
			return string(l.Text)
		}
		first = cmp.Or(first, string(l.Text))
	}
	return first
}

// header is the entity of the main table.
const header = "FBillHead"

// flexParent is the ElementType of the parent of flexible dimensions, a
// query for which fails (Kingdee reference § 4.2, § 5).
const flexParent = "60523"

// types are the FieldType codes, which equal SQL Server's system_type_id
// (§ 5); 1 was seen for lookups.
var types = map[string]orgflow.ERPType{
	"231": orgflow.ERPText, "167": orgflow.ERPText, "175": orgflow.ERPText, "239": orgflow.ERPText, "36": orgflow.ERPText, "1": orgflow.ERPText,
	"35": orgflow.ERPLongText, "99": orgflow.ERPLongText,
	"48": orgflow.ERPInteger, "52": orgflow.ERPInteger, "56": orgflow.ERPInteger, "127": orgflow.ERPInteger,
	"104": orgflow.ERPBoolean, "106": orgflow.ERPDecimal, "62": orgflow.ERPFloat,
	"61": orgflow.ERPTime, "42": orgflow.ERPTime, "40": orgflow.ERPDate,
}

// pictures are the types of pictures and attachments: SQL Server's image,
// varbinary and binary.
var pictures = map[string]bool{"34": true, "165": true, "173": true}

// Form implements connectors.ERP. Fields that no query may or should ask for
// are left out, with a note: deprecated ones, parents of flexible
// dimensions, pictures. A type that is not known is read as text.
func (c *Client) Form(ctx context.Context, id string) (orgflow.ERPForm, error) {
	if !formID.MatchString(id) {
		return orgflow.ERPForm{}, refuse("form_id", "%q is no form: letters, digits and _ are allowed, a letter first", id)
	}
	arg, err := text(map[string]string{"FormId": id})
	if err != nil {
		return orgflow.ERPForm{}, err
	}
	body, _, err := c.call(ctx, request{service: serviceInfo, args: []any{arg}})
	if err != nil {
		return orgflow.ERPForm{}, err
	}
	if body == nil { // "no data"
		f := meanings[codeForm].Fault(codeForm, "the ERP has no metadata of "+id, false)
		return orgflow.ERPForm{}, f
	}
	form, err := c.readForm(id, body)
	if err != nil {
		return orgflow.ERPForm{}, err
	}
	for _, note := range form.Notes {
		c.log.InfoContext(ctx, "form metadata", "vendor", vendor, "form", id, "note", note)
	}
	return form, nil
}

func (c *Client) readForm(id string, body []byte) (orgflow.ERPForm, error) {
	var got struct {
		Result struct {
			Data *businessInfo `json:"NeedReturnData"`
		} `json:"Result"`
	}
	malformed := func(why string) (orgflow.ERPForm, error) {
		return orgflow.ERPForm{}, vendorcode.MalformedRead("the metadata of " + id + " are not as documented: " + why)
	}
	if body[0] != '{' || json.Unmarshal(body, &got) != nil {
		return malformed("they cannot be read")
	}
	info := got.Result.Data
	switch {
	case info == nil:
		return malformed("NeedReturnData is missing")
	case info.ID != "" && !strings.EqualFold(string(info.ID), id):
		return malformed(fmt.Sprintf("they are those of %q", string(info.ID)))
	case !fieldKey.MatchString(string(info.Key)):
		return malformed("PkFieldName is missing")
	}
	form := orgflow.ERPForm{ID: id, Name: info.Name.in(c.cfg.LCID), Key: string(info.Key)}
	found := false
	for _, e := range info.Entries {
		fields, notes := c.fields(e)
		form.Notes = append(form.Notes, notes...)
		switch name := string(e.ID); {
		case name == header:
			form.Fields, found = append(form.Fields, fields...), true
		case !fieldKey.MatchString(name) || !fieldKey.MatchString(string(e.Key)):
			form.Notes = append(form.Notes, fmt.Sprintf("%s: left out: an entry needs a key and EntryPkFieldName", name))
		default:
			form.Entries = append(form.Entries, orgflow.ERPEntry{ID: name, Name: e.Name.in(c.cfg.LCID), Key: string(e.Key), Parent: parent(e), Fields: fields})
		}
	}
	if !found {
		return malformed("the entity " + header + " is missing")
	}
	return form, nil
}

// parent is the entry a sub-entry hangs under; that of an entry is the header.
func parent(e formEntity) string {
	if string(e.Parent) == header {
		return ""
	}
	return string(e.Parent)
}

// fields are those of an entity that can be asked for.
func (c *Client) fields(e formEntity) (fields []orgflow.ERPField, notes []string) {
	seen := map[string]bool{}
	for _, f := range e.Fields {
		key, code := string(f.ID), string(f.Type)
		note := func(why string) { notes = append(notes, fmt.Sprintf("%s.%s: %s", e.ID, key, why)) }
		kind, known := types[code]
		switch {
		case f.Visible != nil && !bool(*f.Visible):
			note("left out: not visible at the ERP")
			continue
		case string(f.Element) == flexParent:
			note("left out: the parent of flexible dimensions; name these, like " + key + ".FF100001.FName")
			continue
		case pictures[code]:
			note("left out: a picture or attachment (type " + code + ")")
			continue
		case !fieldKey.MatchString(key):
			note("left out: no key that a query may name")
			continue
		case seen[key]:
			continue
		case !known:
			kind = orgflow.ERPText
			note("read as text: type " + strconv.Quote(code) + " is not known")
		}
		seen[key] = true
		fields = append(fields, orgflow.ERPField{ID: key, Name: f.Name.in(c.cfg.LCID), Type: kind, Lookup: string(f.Lookup)})
	}
	return fields, notes
}
