package erp

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orgflow"
)

func clock(text string) time.Time {
	t, err := time.Parse("2006-01-02 15:04:05", text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestACellIsKeptExactly(t *testing.T) {
	for _, c := range []struct {
		typ  orgflow.ERPType
		cell string
		want any
	}{
		{orgflow.ERPText, `"XSDD000001"`, "XSDD000001"},
		{orgflow.ERPText, `""`, ""},
		{orgflow.ERPText, `"  two spaces  "`, "  two spaces  "},
		{orgflow.ERPText, `"示例\u0000公司"`, "示例公司"}, // PostgreSQL stores no NUL
		{orgflow.ERPText, `100017`, "100017"},     // the id of a lookup
		{orgflow.ERPText, `0`, "0"},
		{orgflow.ERPText, `1.50`, "1.50"},
		{orgflow.ERPText, `true`, "true"},
		{orgflow.ERPLongText, `"a\nb"`, "a\nb"},

		{orgflow.ERPInteger, `0`, int64(0)},
		{orgflow.ERPInteger, `-7`, int64(-7)},
		{orgflow.ERPInteger, `9007199254740993`, int64(9007199254740993)}, // no float holds it
		{orgflow.ERPInteger, `9223372036854775807`, int64(9223372036854775807)},
		{orgflow.ERPInteger, `-9223372036854775808`, int64(-9223372036854775808)},
		{orgflow.ERPInteger, `"42"`, int64(42)},
		{orgflow.ERPInteger, `42.000`, int64(42)},
		{orgflow.ERPInteger, `1E3`, int64(1000)},

		{orgflow.ERPDecimal, `12345678901234567890.1234567891`, Decimal("12345678901234567890.1234567891")},
		{orgflow.ERPDecimal, `0.1000000000`, Decimal("0.1000000000")}, // the scale stays
		{orgflow.ERPDecimal, `1E-10`, Decimal("0.0000000001")},
		{orgflow.ERPDecimal, `-1.5e3`, Decimal("-1500")},
		{orgflow.ERPDecimal, `1.2345e2`, Decimal("123.45")},
		{orgflow.ERPDecimal, `12345e-2`, Decimal("123.45")},
		{orgflow.ERPDecimal, `12345e-5`, Decimal("0.12345")},
		{orgflow.ERPDecimal, `-0.0`, Decimal("0.0")},
		{orgflow.ERPDecimal, `-0`, Decimal("0")},
		{orgflow.ERPDecimal, `-0E-10`, Decimal("0.0000000000")},
		{orgflow.ERPDecimal, `-0.001`, Decimal("-0.001")},
		{orgflow.ERPDecimal, `"007.50"`, Decimal("7.50")},
		{orgflow.ERPDecimal, `" +7 "`, Decimal("7")},
		{orgflow.ERPFloat, `0.30000000000000004`, Decimal("0.30000000000000004")},

		{orgflow.ERPBoolean, `true`, true},
		{orgflow.ERPBoolean, `false`, false},
		{orgflow.ERPBoolean, `1`, true},
		{orgflow.ERPBoolean, `0`, false},
		{orgflow.ERPBoolean, `"1"`, true},
		{orgflow.ERPBoolean, `"0"`, false},
		{orgflow.ERPBoolean, `"True"`, true},

		{orgflow.ERPTime, `"2026-01-15T00:00:00"`, clock("2026-01-15 00:00:00")},
		{orgflow.ERPTime, `"2026-01-15T10:11:12.1234567"`, clock("2026-01-15 10:11:12").Add(123456 * time.Microsecond)},
		{orgflow.ERPTime, `"2026-01-15 10:11:12"`, clock("2026-01-15 10:11:12")},
		{orgflow.ERPTime, `"2026-01-15"`, clock("2026-01-15 00:00:00")},
		{orgflow.ERPTime, `"/Date(1768406400000)/"`, clock("2026-01-15 00:00:00")},      // 2026-01-14T16:00:00Z
		{orgflow.ERPTime, `"/Date(1768406400000+0800)/"`, clock("2026-01-15 00:00:00")}, // the same moment
		{orgflow.ERPTime, `"2026-01-14T16:00:00Z"`, clock("2026-01-15 00:00:00")},
		{orgflow.ERPTime, `"1989-07-01T12:00:00"`, clock("1989-07-01 12:00:00")}, // China had summer time
		{orgflow.ERPTime, `"/Date(615268800000)/"`, clock("1989-07-01 12:00:00")},
		{orgflow.ERPTime, `"0001-01-01T00:00:00"`, clock("0001-01-01 00:00:00")},
		{orgflow.ERPTime, `"2028-02-29T23:59:59"`, clock("2028-02-29 23:59:59")},
		{orgflow.ERPDate, `"2026-01-15T00:00:00"`, clock("2026-01-15 00:00:00")},
		{orgflow.ERPDate, `"2026-01-15"`, clock("2026-01-15 00:00:00")},

		// An empty text says that there is no value, where it cannot be one.
		{orgflow.ERPInteger, `""`, nil},
		{orgflow.ERPDecimal, `" "`, nil},
		{orgflow.ERPBoolean, `""`, nil},
		{orgflow.ERPTime, `""`, nil},
	} {
		t.Run(fmt.Sprintf("%s %s", c.typ, c.cell), func(t *testing.T) {
			got, err := Decode(json.RawMessage(c.cell), c.typ)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

var types = []orgflow.ERPType{
	orgflow.ERPText, orgflow.ERPLongText, orgflow.ERPInteger, orgflow.ERPDecimal,
	orgflow.ERPFloat, orgflow.ERPBoolean, orgflow.ERPDate, orgflow.ERPTime,
}

func TestNullIsNullInEveryColumn(t *testing.T) {
	for _, typ := range types {
		if got, err := Decode(json.RawMessage(` null `), typ); got != nil || err != nil {
			t.Errorf("%s: %v, %v", typ, got, err)
		}
	}
}

func TestWhatDoesNotFitIsRefusedWithoutRepeatingIt(t *testing.T) {
	for _, c := range []struct {
		typ        orgflow.ERPType
		cell, want string
	}{
		{orgflow.ERPInteger, `"EXAMPLE NAME"`, "expected an integer, got a text of 12 characters"},
		{orgflow.ERPInteger, `9223372036854775808`, "64 bits"},
		{orgflow.ERPInteger, `1.5`, "without a fraction"},
		{orgflow.ERPInteger, `true`, "expected an integer, got a boolean"},
		{orgflow.ERPDecimal, `"1,5"`, "expected a number"},
		{orgflow.ERPDecimal, `1e5000`, "fewer digits"},
		{orgflow.ERPDecimal, `1e-999999999999999999999`, "expected a number"},
		{orgflow.ERPDecimal, `"--1"`, "expected a number"},
		{orgflow.ERPDecimal, `"."`, "expected a number"},
		{orgflow.ERPDecimal, `"NaN"`, "expected a number"},
		{orgflow.ERPDecimal, `"1e+-1"`, "expected a number"},
		{orgflow.ERPBoolean, `2`, "expected true, false, 1 or 0"},
		{orgflow.ERPTime, `20260115`, "expected a date"},
		{orgflow.ERPTime, `"2026-02-29T00:00:00"`, "expected a date"},
		{orgflow.ERPTime, `"0000-01-01"`, "expected a date"},
		{orgflow.ERPTime, `"/Date(x)/"`, "expected a date"},
		{orgflow.ERPTime, `"/Date(999999999999999)/"`, "expected a date"},
		{orgflow.ERPDate, `"2026-01-15T10:00:00"`, "without a time of day"},
		{orgflow.ERPText, `[{"Key": 2052, "Value": "EXAMPLE NAME"}]`, "a single value was expected"},
		{orgflow.ERPText, `{}`, "a single value was expected"},
		{orgflow.ERPText, `EXAMPLE NAME`, "is not JSON"},
		{orgflow.ERPText, ``, "is not JSON"},
		{"number", `1`, `"number" is no type`},
	} {
		t.Run(fmt.Sprintf("%s %s", c.typ, c.cell), func(t *testing.T) {
			got, err := Decode(json.RawMessage(c.cell), c.typ)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, %v; want %q", got, err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "EXAMPLE") {
				t.Errorf("repeats the value: %v", err)
			}
		})
	}
}

func TestARowIsReadColumnByColumn(t *testing.T) {
	table := Table{Form: "SAL_SaleOrder", Columns: []Column{
		{Name: "FID", Field: "FID", Type: orgflow.ERPInteger}, {Name: "FCustId_FName", Field: "FCustId.FName", Type: orgflow.ERPText},
	}}
	cells := func(texts ...string) (out []json.RawMessage) {
		for _, s := range texts {
			out = append(out, json.RawMessage(s))
		}
		return out
	}
	got, err := table.DecodeRow(cells(`100001`, `"示例公司"`))
	if diff := cmp.Diff([]any{int64(100001), "示例公司"}, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	if _, err := table.DecodeRow(cells(`"x"`, `""`)); err == nil || !strings.HasPrefix(err.Error(), "field FID: expected an integer") {
		t.Errorf("got %v", err)
	}
	if _, err := table.DecodeRow(cells(`1`)); err == nil || !strings.Contains(err.Error(), "1 values, 2 fields") {
		t.Errorf("got %v", err)
	}
}

func TestADecimalIsTheNumberItWasSentAs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		literal := rapid.StringMatching(`-?(0|[1-9][0-9]{0,22})(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,2})?`).Draw(t, "literal")
		got, err := Decode(json.RawMessage(literal), orgflow.ERPDecimal)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := new(big.Rat).SetString(literal)
		is, ok := new(big.Rat).SetString(string(got.(Decimal)))
		if !ok || is.Cmp(want) != 0 {
			t.Fatalf("%s became %s", literal, got)
		}
		if strings.ContainsAny(string(got.(Decimal)), "eE+") {
			t.Fatalf("%s is not written out: %s", literal, got)
		}
	})
}

// Texts are read by hand where that is quicker: they must be what
// encoding/json makes of them.
func TestATextIsWhatJSONSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cell := []byte(`"` + rapid.StringOfN(rapid.SampledFrom([]rune("a 单\"\\/u0041\n\x00\x7f\ufffd")), 0, 12, -1).Draw(t, "text") + `"`)
		if rapid.Bool().Draw(t, "cut a character") {
			cell = append(cell[:len(cell)/2], cell[len(cell)/2+min(1, len(cell)-len(cell)/2):]...)
		}
		var want string
		bad := json.Unmarshal(cell, &want) != nil
		got, err := Decode(cell, orgflow.ERPText)
		if bad != (err != nil) || !bad && got != strings.ReplaceAll(want, "\x00", "") {
			t.Fatalf("%q is %q, %v; want %q", cell, got, err, want)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, cell := range []string{`null`, `""`, `"x"`, `1`, `-0.0`, `1E-10`, `1e400`, `true`, `[1]`, `"2026-01-15T00:00:00.1"`, `"/Date(1768406400000+0800)/"`, `"\ud800"`, ` `} {
		f.Add([]byte(cell), 0)
	}
	f.Fuzz(func(t *testing.T, cell []byte, which int) {
		typ := types[((which%len(types))+len(types))%len(types)]
		got, err := Decode(cell, typ)
		if err != nil {
			return
		}
		switch v := got.(type) {
		case nil, bool, int64:
		case string:
			if !utf8.ValidString(v) || strings.Contains(v, "\x00") {
				t.Errorf("%q as %s: a text no database takes", cell, typ)
			}
		case Decimal:
			// Read again, it is the same: nothing is left to normalise.
			if again, err := Decode(json.RawMessage(`"`+string(v)+`"`), typ); err != nil || again != got {
				t.Errorf("%q became %s and then %v, %v", cell, v, again, err)
			}
		case time.Time:
			if v.Location() != time.UTC || v.Year() < 1 || v.Year() > 9999 || v.Nanosecond()%1000 != 0 {
				t.Errorf("%q became %s", cell, v)
			}
		default:
			t.Errorf("%q as %s became a %T", cell, typ, got)
		}
	})
}

func BenchmarkDecodeRow(b *testing.B) {
	var table Table
	var cells []json.RawMessage
	for i, c := range []struct{ typ, cell string }{
		{"integer", `100001`}, {"text", `"XSDD000001"`}, {"timestamp", `"2026-01-15T10:11:12.123"`}, {"decimal", `1234.5000000000`}, {"boolean", `true`},
	} {
		table.Columns = append(table.Columns, Column{Field: fmt.Sprint("F", i), Type: orgflow.ERPType(c.typ)})
		cells = append(cells, json.RawMessage(c.cell))
	}
	for b.Loop() {
		if _, err := table.DecodeRow(cells); err != nil {
			b.Fatal(err)
		}
	}
}
