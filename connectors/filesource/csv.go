package filesource

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"orgflow/connectors/rowset"
)

// csvRows reads a CSV file as RFC 4180 and Excel write it: a header, then a
// record per row, quoted where needed; separated by comma, semicolon or tab.
type csvRows struct {
	f      *opened
	limit  *rowLimit
	csv    *csv.Reader
	base   int64 // offset the csv reader began at
	text   decoder
	header []string
	shape  *rowset.Shape
	values []any
	row    map[string]any
}

// openCSV reads the header. Quotes, separators and line breaks are never a
// part of another character, in UTF-8 and in GB18030, so records are taken
// apart before they are decoded, and offsets are the file's own.
func openCSV(f *opened, v survey, text decoder) (*csvRows, error) {
	if f.info.Size() == 0 {
		return nil, f.broken("is empty, even the header is missing; a header alone says that there are no records")
	}
	if v.tail != '\n' {
		return nil, f.broken("the last line does not end with a line break: the file may be cut off; if it is not, add one")
	}
	r := &csvRows{f: f, text: text}
	start, separator, err := preamble(f, v)
	if err != nil {
		return nil, err
	}
	if err := r.seek(start, separator); err != nil {
		return nil, err
	}
	return r, r.readHeader()
}

// preamble skips a byte order mark and Excel's line "sep=;".
func preamble(f *opened, v survey) (start int64, separator rune, err error) {
	head := make([]byte, 64<<10)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, 0, f.unreadable(err)
	}
	text := string(head[:n])
	if v.bom {
		start, text = int64(len(bom)), text[len(bom):]
	}
	line, _, _ := strings.Cut(text, "\n")
	if rest, ok := strings.CutPrefix(strings.TrimRight(line, "\r"), "sep="); ok && len(rest) == 1 {
		return start + int64(len(line)) + 1, rune(rest[0]), nil
	}
	return start, separatorOf(line), nil
}

// separatorOf is the separator the header has most of, outside of quotes.
func separatorOf(line string) rune {
	counts, quoted := map[rune]int{}, false
	for _, c := range line {
		if c == '"' {
			quoted = !quoted
		} else if !quoted {
			counts[c]++
		}
	}
	best := ','
	for _, c := range []rune{';', '\t'} {
		if counts[c] > counts[best] {
			best = c
		}
	}
	return best
}

func (r *csvRows) seek(offset int64, separator rune) error {
	if _, err := r.f.Seek(offset, io.SeekStart); err != nil {
		return r.f.unreadable(err)
	}
	r.limit = &rowLimit{r: r.f.File}
	r.csv, r.base = csv.NewReader(r.limit), offset
	r.csv.Comma, r.csv.FieldsPerRecord, r.csv.ReuseRecord = separator, len(r.header), true
	if separator == '"' || separator == '\r' || separator == '\n' {
		return r.f.broken("the separator in its first line is none")
	}
	return nil
}

func (r *csvRows) readHeader() error {
	record, err := r.record()
	if errors.Is(err, io.EOF) {
		return r.f.broken("the header is missing; its first line names the columns, e.g. id,name,mobile")
	}
	if err != nil {
		return err
	}
	for i, cell := range record {
		name, ok := r.text(cell)
		if !ok {
			return r.f.broken("the header's column %d is not in the file's encoding", i+1)
		}
		name = strings.TrimSpace(name)
		if strings.ContainsFunc(name, unicode.IsControl) { // lines that end with a carriage return alone are one header
			return r.f.broken("the header's column %d has a line break or a control character in its name; lines must end with a line feed", i+1)
		}
		r.header = append(r.header, name)
	}
	shape, problems := rowset.NewShape(r.header)
	if len(problems) > 0 {
		return unusable("/source/dir", "%s: the header is not usable: %s", r.f.name, strings.Join(problems, "; "))
	}
	r.shape, r.values = shape, make([]any, len(r.header))
	r.csv.FieldsPerRecord = len(r.header)
	return nil
}

// record reads one record, as it is in the file.
func (r *csvRows) record() ([]string, error) {
	r.limit.reset()
	record, err := r.csv.Read()
	var wrong *csv.ParseError
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return record, err
	case errors.Is(err, errLongRow):
		return nil, r.f.broken("a row is longer than %d MiB; a quote is not closed", maxRow>>20)
	case errors.Is(err, csv.ErrFieldCount):
		return nil, r.f.broken("%s has %d columns, the header %d: the line is cut off, or a text with a separator has no quotes", r.where(err), len(record), len(r.header))
	case errors.As(err, &wrong):
		return nil, r.f.broken("%s, column %d: %v", r.where(err), wrong.Column, wrong.Err)
	}
	return nil, r.f.unreadable(err)
}

// where names a line; behind the first page only how far in the page it is.
func (r *csvRows) where(err error) string {
	var wrong *csv.ParseError
	if !errors.As(err, &wrong) {
		return "a line"
	}
	if r.base > int64(len(bom)) {
		return fmt.Sprintf("line %d after byte %d", wrong.StartLine, r.base)
	}
	return fmt.Sprintf("line %d", wrong.StartLine)
}

// Next implements rows. Lines without any value, which Excel leaves behind
// where rows were cleared, are skipped.
func (r *csvRows) Next() (map[string]any, error) {
	for {
		record, err := r.record()
		if err != nil {
			return nil, err
		}
		empty := true
		for i, cell := range record {
			if r.values[i], err = r.value(i, cell); err != nil {
				return nil, err
			}
			empty = empty && r.values[i] == nil
		}
		if !empty {
			r.row = r.shape.Row(r.values)
			return r.row, nil
		}
	}
}

// Raw implements rows.
func (r *csvRows) Raw() (json.RawMessage, error) { return rowset.Encode(r.row) }

// excelDamage is what Excel makes of a long number it takes for a quantity:
// digits are lost, and different people get the same number.
var excelDamage = regexp.MustCompile(`^-?\d(\.\d+)?E\+\d{2}$`)

// excelErrors are what Excel writes for a formula that failed.
var excelErrors = []string{"#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#SPILL!"}

// value is a cell's value: text without blanks around it, or JSON.
func (r *csvRows) value(i int, cell string) (any, error) {
	if cell == "" {
		return nil, nil
	}
	text, ok := r.text(cell)
	line, _ := r.csv.FieldPos(i)
	where := fmt.Sprintf("line %d, column %d", line, i+1)
	if r.base > int64(len(bom)) {
		where = fmt.Sprintf("line %d after byte %d, column %d", line, r.base, i+1)
	}
	if !ok {
		return nil, r.f.broken("%s is not in the file's encoding", where)
	}
	// ="00123" is how exporters keep Excel from eating the zeros.
	if inner, ok := strings.CutPrefix(text, `="`); ok && strings.HasSuffix(inner, `"`) {
		text = strings.TrimSuffix(inner, `"`)
	}
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return nil, nil
	case r.header[i] == "":
		return nil, r.f.broken("%s has a value, but the header does not name the column", where)
	case excelDamage.MatchString(text):
		return nil, r.f.broken("%s (%s) was rounded by Excel to the form 1.00E+11: format the column as text and export it again", where, r.header[i])
	case slices.Contains(excelErrors, text):
		return nil, r.f.broken("%s (%s) holds an error of Excel (%s), not a value", where, r.header[i], text)
	}
	return rowset.Text(text), nil
}

// Offset implements rows.
func (r *csvRows) Offset() int64 { return r.base + r.csv.InputOffset() }

// From implements rows.
func (r *csvRows) From(offset int64) error { return r.seek(offset, r.csv.Comma) }

// Missing implements rows.
func (r *csvRows) Missing(f *rowset.Filter) (string, bool) { return r.shape.Missing(f) }
