package activities

import (
	"context"
	"errors"

	"orgflow"
	"orgflow/internal/store"
)

// LocalPeople finds people by the organisation that was pulled and, at other
// consumers than its origin, by the bindings of syncs.
type LocalPeople struct {
	Store PeopleStore
}

// PeopleStore knows the local organisation and who is bound to whom.
type PeopleStore interface {
	OrgOrigin(ctx context.Context, company int64) (string, error)
	UserByCode(ctx context.Context, company int64, code string) (orgflow.OrgMember, error)
	BoundRemote(ctx context.Context, target orgflow.Target, keys []orgflow.RemoteKey) (map[orgflow.RemoteKey]orgflow.Binding, error)
	BindingIDs(ctx context.Context, target orgflow.Target, keys []orgflow.RecordKey) (map[orgflow.RecordKey]string, error)
}

// ConsumerID implements People. Where nothing says otherwise the user code is
// the id: the shipped templates make userids of job numbers. So it is for
// everybody while no organisation was pulled.
func (p LocalPeople) ConsumerID(ctx context.Context, target orgflow.Target, userCode string) (string, error) {
	origin, err := p.Store.OrgOrigin(ctx, target.CompanyID)
	if errors.Is(err, store.ErrNotFound) {
		return userCode, nil
	}
	if err != nil {
		return "", err
	}
	member, err := p.Store.UserByCode(ctx, target.CompanyID, userCode)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return "", &orgflow.Fault{
			Code: orgflow.CodeNotFound, Message: "user code " + userCode + " is nobody's in the organisation as it was pulled last",
			Advice: "pull the organisation again if the person is new", Err: err,
		}
	case errors.Is(err, store.ErrAmbiguous):
		return "", &orgflow.Fault{
			Code: orgflow.CodeConflict, Message: "user code " + userCode + " is that of several people",
			Advice: "correct the job numbers and pull the organisation again", Err: err,
		}
	case err != nil:
		return "", err
	case origin == target.Consumer:
		return member.UserID, nil
	}
	return p.elsewhere(ctx, orgflow.Target{CompanyID: target.CompanyID, Consumer: origin}, target, member, userCode)
}

// elsewhere finds a member of one consumer at another: the source's record
// that is bound to both.
func (p LocalPeople) elsewhere(ctx context.Context, from, to orgflow.Target, member orgflow.OrgMember, userCode string) (string, error) {
	here := orgflow.RemoteKey{Kind: orgflow.Person, ID: member.UserID}
	bound, err := p.Store.BoundRemote(ctx, from, []orgflow.RemoteKey{here})
	if err != nil {
		return "", err
	}
	binding, ok := bound[here]
	if !ok {
		return userCode, nil
	}
	there := orgflow.RecordKey{Kind: orgflow.Person, ID: binding.SourceID}
	ids, err := p.Store.BindingIDs(ctx, to, []orgflow.RecordKey{there})
	if err != nil {
		return "", err
	}
	if id := ids[there]; id != "" {
		return id, nil
	}
	return userCode, nil
}
