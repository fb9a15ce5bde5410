package doctor

import "fmt"

// oldestPostgres is the oldest PostgreSQL that its makers still mend.
const oldestPostgres = 15

// Version judges the version of the database's server: PostgreSQL's major
// one, 0 for SQLite, which comes with the program.
func Version(text string, postgres int) Finding {
	f := Finding{State: OK, Check: "version", Found: text}
	if postgres != 0 && postgres < oldestPostgres {
		f.State = Warning
		f.Found += "; its makers do not mend it any more, and orgflow is not tested with it"
		f.Advice = fmt.Sprintf("upgrade to PostgreSQL %d or newer", oldestPostgres)
	}
	return f
}

// Writable judges whether this user may write, err being what a write that
// changes nothing met.
func Writable(err error) Finding {
	if err == nil {
		return Finding{State: OK, Check: "writing", Found: "rows can be written and tables made"}
	}
	return Finding{
		State: Failed, Check: "writing", Found: err.Error(),
		Advice: "give the user of ORGFLOW_DATABASE_URL the rights of the tables' owner, and point it at a server that takes writes",
	}
}
