// Package kingdee reads forms of 金蝶云星空 (Kingdee K/3 Cloud) over its
// WebAPI. It only reads: every call may be repeated without harm.
//
// Failures come under HTTP 200, in the shape of a row with one cell for
// queries (Kingdee reference § 3.2); answer.go tells them from data. One
// session serves all callers of a client (session.go): a login takes a
// licence seat, and five wrong ones lock the account.
//
// faults.go is the only place where the vendor's codes and phrases get a
// meaning.
package kingdee
