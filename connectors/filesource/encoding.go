package filesource

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// bom is what Excel writes before "CSV UTF-8".
const bom = "\xef\xbb\xbf"

// decoder brings the text of a cell into UTF-8.
type decoder func(string) (string, bool)

func fromUTF8(s string) (string, bool) { return s, utf8.ValidString(s) }

func fromGB18030(s string) (string, bool) {
	out, err := simplifiedchinese.GB18030.NewDecoder().String(s)
	return out, err == nil && !strings.ContainsRune(out, utf8.RuneError)
}

// decoder chooses the encoding of a CSV file. A file is GB18030 only if it is
// clearly no UTF-8: one broken byte must not turn every name of a UTF-8 file
// into other characters.
func (s *Source) decoder(f *opened, v survey) (decoder, error) {
	utf16 := strings.HasPrefix(v.head, "\xff\xfe") || strings.HasPrefix(v.head, "\xfe\xff")
	switch {
	case utf16:
		return nil, f.broken(`is UTF-16 ("Unicode text"); save it as "CSV UTF-8"`)
	case v.wrong == 0 && s.cfg.Encoding != GB18030:
		return fromUTF8, nil
	case s.cfg.Encoding == GB18030 && !v.bom:
		return fromGB18030, nil
	case s.cfg.Encoding == Auto && !v.bom && v.wrong > v.multi:
		return fromGB18030, nil
	}
	if v.bom && v.wrong == 0 {
		return fromUTF8, nil // the mark leaves no doubt, whatever the setting
	}
	return nil, f.broken("is no UTF-8 text: byte %d is wrong; export it again, or set the source's encoding to gb18030 if it is that", v.at+1)
}
