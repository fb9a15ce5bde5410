package kdsim

import "time"

// Demo returns the forms of the demo company: 360 sales orders with lines,
// changed within the two years before now, and the base data they refer to.
// Everything in it is invented.
func Demo(now time.Time) State {
	until := wallNow(now).Format(clockStyle)
	base := func(name string, count int) Form {
		return Form{Name: name, Fields: []Field{
			{Key: "FNumber", Name: "编码"}, {Key: "FName", Name: "名称"}, {Key: "FDocumentStatus", Name: "数据状态", Type: 175},
			{Key: "FForbidStatus", Name: "禁用状态", Type: 175}, {Key: "FCreateDate", Name: "创建日期", Type: typeTime}, {Key: "FModifyDate", Name: "修改日期", Type: typeTime},
		}, Generate: &Generate{Count: count, Seed: 7, Until: until}}
	}
	keyed := func(f Form, key string) Form { f.Key = key; return f }
	return State{Forms: map[string]Form{
		"SAL_SaleOrder":     saleOrder(until),
		"BD_Customer":       keyed(base("客户", 20), "FCUSTID"),
		"BD_MATERIAL":       keyed(base("物料", 20), "FMATERIALID"),
		"BD_Department":     keyed(base("部门", 20), "FDEPTID"),
		"BD_Currency":       keyed(base("币别", 3), "FCURRENCYID"),
		"BD_UNIT":           keyed(base("单位", 20), "FUNITID"),
		"BD_Empinfo":        base("员工", 20),
		"ORG_Organizations": keyed(base("组织", 20), "FORGID"),
	}}
}

// saleOrder has a field of most types, a hidden one, and the parent of
// flexible dimensions.
func saleOrder(until string) Form {
	return Form{
		Name: "销售订单",
		Fields: []Field{
			{Key: "FBillNo", Name: "单据编号"}, {Key: "FDocumentStatus", Name: "单据状态", Type: 175}, {Key: "FDate", Name: "日期", Type: typeTime},
			{Key: "FSaleOrgId", Name: "销售组织", Type: typeInteger, Lookup: "ORG_Organizations"}, {Key: "FCustId", Name: "客户", Type: typeInteger, Lookup: "BD_Customer"},
			{Key: "FSaleDeptId", Name: "销售部门", Type: typeInteger, Lookup: "BD_Department"}, {Key: "FSalerId", Name: "销售员", Type: typeInteger, Lookup: "BD_Empinfo"},
			{Key: "FCreateDate", Name: "创建日期", Type: typeTime}, {Key: "FModifyDate", Name: "最后修改日期", Type: typeTime},
			{Key: "FNote", Name: "备注"}, {Key: "F_DEMO_Terms", Name: "条款", Type: typeLongText}, {Key: "F_DEMO_Rate", Name: "汇率", Type: typeDecimal},
			{Key: "F_DEMO_Weight", Name: "重量", Type: typeFloat}, {Key: "F_DEMO_Urgent", Name: "加急", Type: typeBit}, {Key: "FVersionNo", Name: "版本", Type: typeLong},
			{Key: "FOldField", Name: "已停用", Hidden: true},
		},
		Entries: []Entry{
			{Key: "FSaleOrderEntry", Name: "订单明细", PK: "FEntryID", Fields: []Field{
				{Key: "FMaterialId", Name: "物料", Type: typeInteger, Lookup: "BD_MATERIAL"}, {Key: "FAuxPropId", Name: "辅助属性", Type: typeInteger, Flex: true},
				{Key: "FUnitId", Name: "单位", Type: typeInteger, Lookup: "BD_UNIT"}, {Key: "FQty", Name: "数量", Type: typeDecimal},
				{Key: "FTaxPrice", Name: "含税单价", Type: typeDecimal}, {Key: "FAllAmount", Name: "价税合计", Type: typeDecimal}, {Key: "FDeliveryDate", Name: "要货日期", Type: typeTime},
			}},
			{Key: "FTaxDetailSubEntity", Name: "税务明细", PK: "FDetailID", Parent: "FSaleOrderEntry", Fields: []Field{{Key: "FTaxRate", Name: "税率", Type: typeDecimal}}},
		},
		Generate: &Generate{Count: 360, Seed: 129, Until: until},
	}
}
