package cli

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow/internal/testgolden"
)

type noticeBoard struct {
	company int64
	board   NoticeBoard
}

func (b *noticeBoard) Notices(_ context.Context, company int64) (NoticeBoard, error) {
	b.company = company
	return b.board, nil
}

func TestNotices(t *testing.T) {
	at := time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)
	full := NoticeBoard{
		Open: []OpenNotice{{CompanyID: 129, Job: "sync:ding_talk:default:org_new,person_new", Event: "breaker", Cause: "unauthorized 40014", Since: at, Untold: 2, Ref: "sync-129-a"}},
		Lost: []LostNotice{{CompanyID: 129, At: at, Channel: "we_com", UserCode: "E9", Job: "pull:ding_talk", State: "dead", Note: "not_found 81013: no such member"}},
	}
	w := &world{}
	b := &noticeBoard{board: full}
	w.notices = b
	if code := w.run("notices", "--company", "129"); code != 0 || b.company != 129 {
		t.Fatalf("exit code %d, company %d", code, b.company)
	}
	testgolden.Check(t, "notices.golden", strings.ReplaceAll(w.out.String(), minute(&at), "2026-11-22 01:00"))
	w = &world{}
	w.notices = b
	var got NoticeBoard
	if code := w.run("notices", "--json"); code != 0 || json.Unmarshal(w.out.Bytes(), &got) != nil || b.company != 0 {
		t.Fatalf("exit code %d, company %d: %s", code, b.company, w.out.String())
	}
	if d := cmp.Diff(full, got); d != "" {
		t.Error(d)
	}
	w = &world{}
	w.notices = &noticeBoard{}
	if code := w.run("notices"); code != 0 || w.out.String() != "" || !strings.Contains(w.err.String(), "Nothing goes on") {
		t.Errorf("exit code %d: %s%s", code, w.out.String(), w.err.String())
	}
}
