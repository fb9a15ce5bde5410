package connectors

import (
	"context"
	"strconv"

	"orgflow"
)

// Refuse is a record's fault found before any call. The message never shows
// the value, which may be personal.
func Refuse(field, message string) *orgflow.Fault {
	return &orgflow.Fault{
		Code: orgflow.CodeInvalidRecord, Field: field, Message: message,
		Advice: "correct the template or the value in the HR system; nothing was sent",
	}
}

// UnknownKind is the fault for a kind of record that does not exist.
func UnknownKind(kind orgflow.Kind) *orgflow.Fault {
	return orgflow.Faultf(orgflow.CodeInternal, "unknown kind %q, allowed are org and person", kind)
}

// UnknownOp is the fault for an operation that does not exist.
func UnknownOp(op orgflow.Op) *orgflow.Fault {
	return orgflow.Faultf(orgflow.CodeInternal, "unknown operation %q, allowed are insert, update and delete", op)
}

// OrgNumber reads a department id of a Directory's call where the consumer's
// are whole numbers of 1 or more.
func OrgNumber(id string) (int64, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || n < 1 {
		return 0, orgflow.Faultf(orgflow.CodeInternal, "%q is no department id, which is a whole number of 1 or more", id)
	}
	return n, nil
}

// ApplyKind is Consumer.Apply made of one function per kind, which fill in
// the receipt; it counts calls beside an error too.
func ApplyKind(ctx context.Context, e Effect, person, org func(context.Context, *Receipt, Effect) error) (Receipt, error) {
	r := Receipt{ConsumerID: e.ConsumerID}
	var err error
	switch e.Kind {
	case orgflow.Person:
		err = person(ctx, &r, e)
	case orgflow.Org:
		err = org(ctx, &r, e)
	default:
		err = UnknownKind(e.Kind)
	}
	return r, err
}
