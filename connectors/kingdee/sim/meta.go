package kdsim

import (
	"strings"

	"orgflow/connectors/simctl"
)

// businessInfo is QueryBusinessInfo (§ 5).
func (s *Sim) businessInfo(in *call) simctl.Answer {
	var ask struct{ FormID string }
	if !in.in.data("data", &ask) {
		return in.fail(8, "接口参数 data 不能为空")
	}
	f, bad := in.form(ask.FormID)
	if bad != nil {
		return *bad
	}
	entities := []any{entityInfo("FBillHead", f.def.Name, "", 34, "", "", f.def.Fields)}
	for _, e := range f.def.Entries {
		entities = append(entities, entityInfo(e.Key, e.Name, e.Parent, 35, e.pk(), e.Key, e.Fields))
	}
	return succeeded(map[string]any{"NeedReturnData": map[string]any{
		"Id": f.id, "Name": named2052(f.def.Name), "PkFieldName": f.key, "Operations": []any{}, "Entrys": entities,
	}})
}

func entityInfo(key, name, parent string, element int, pk, model string, fields []Field) map[string]any {
	list := []any{}
	for _, f := range fields {
		list = append(list, fieldInfo(f))
	}
	return map[string]any{
		"Key": key, "Name": named2052(name), "TableName": "T_" + strings.ToUpper(strings.TrimPrefix(key, "F")), "ParentKey": parent, "ElementType": element,
		"EntryName": strings.TrimPrefix(model, "F"), "EntryPkFieldName": pk, "SeqFieldKey": "FSeq", "Fields": list,
	}
}

// flexParent is the ElementType of the parent of flexible dimensions.
const flexParent = 60523

func fieldInfo(f Field) map[string]any {
	typ, element := f.Type, 1
	if typ == 0 {
		typ = typeText
	}
	if f.Flex {
		element = flexParent
	}
	return map[string]any{
		"Key": f.Key, "Name": named2052(f.Name), "FieldName": strings.ToUpper(f.Key), "PropertyName": strings.TrimPrefix(f.Key, "F"), "FieldType": typ,
		"ElementType": element, "MustInput": 0, "LookUpObjectFormId": f.Lookup, "Extends": []any{}, "IsViewVisible": !f.Hidden,
	}
}

// named2052 is a text in Chinese and in English.
func named2052(text string) []any {
	return []any{map[string]any{"Key": 2052, "Value": text}, map[string]any{"Key": 1033, "Value": text}}
}
