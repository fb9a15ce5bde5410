// Package erp decides how a form of an ERP becomes a local table: which
// columns, which windows of time, which value a cell holds. It is pure; the
// reading is a connector's business and the writing the store's.
//
// The facts are those of the Kingdee reference § 4 and § 5; nothing here
// knows Kingdee's protocol.
package erp
