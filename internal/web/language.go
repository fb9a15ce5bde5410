package web

import (
	"net/http"
	"time"

	"golang.org/x/text/language"
)

// Lang is a language of the pages, as in HTML's lang.
type Lang string

// The languages of the pages.
const (
	Chinese Lang = "zh-CN"
	English Lang = "en"
)

const (
	// langParam switches the language, langCookie remembers it.
	langParam  = "lang"
	langCookie = "orgflow-lang"
	// liveParam asks for the changing part of a page only.
	liveParam = "live"
	langLife  = 365 * 24 * time.Hour
)

func (l Lang) other() Lang {
	if l == Chinese {
		return English
	}
	return Chinese
}

// Name is the language in its own words.
func (l Lang) Name() string {
	if l == Chinese {
		return "中文"
	}
	return "English"
}

var matcher = language.NewMatcher([]language.Tag{language.SimplifiedChinese, language.English})

// language is what was asked for: by the switch, which is remembered, by an
// earlier switch, by the browser; else Chinese.
func (*Pages) language(w http.ResponseWriter, r *http.Request) Lang {
	if asked, ok := langOf(r.URL.Query().Get(langParam)); ok {
		http.SetCookie(w, &http.Cookie{
			Name: langCookie, Value: string(asked), Path: "/", MaxAge: int(langLife.Seconds()),
			HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil,
		})
		return asked
	}
	if c, err := r.Cookie(langCookie); err == nil {
		if asked, ok := langOf(c.Value); ok {
			return asked
		}
	}
	tags, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil || len(tags) == 0 {
		return Chinese
	}
	return bestOf(tags...)
}

// langOf is the language that somebody names: zh-CN and en, and what people
// type for them in an address, such as zh or en-GB.
func langOf(name string) (Lang, bool) {
	tag, err := language.Parse(name)
	if err != nil {
		return "", false
	}
	_, _, sure := matcher.Match(tag)
	return bestOf(tag), sure >= language.High
}

func bestOf(tags ...language.Tag) Lang {
	if _, at, _ := matcher.Match(tags...); at == 1 {
		return English
	}
	return Chinese
}
