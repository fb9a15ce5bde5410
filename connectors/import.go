package connectors

import (
	"context"

	"orgflow"
)

// Importer is implemented by consumers that take a file of many records and
// work through it in their own time. It is for inserts and updates of
// persons that a file can carry; everything else goes by Apply.
//
// A file creates who is missing and updates who is there, and touches nobody
// else, so that the same file may be handed over again.
type Importer interface {
	Consumer
	// ImportLimit is how many changes should make one slice: what a job is
	// given, and what a killed worker leaves in doubt. It is constant.
	ImportLimit() int
	// PlanImport writes the files for effects of persons. It reads what has
	// to be known for that, and changes nothing.
	PlanImport(ctx context.Context, effects []Effect) (ImportPlan, error)
	// StartImport hands a file over and begins its job. One job may run at a
	// time; while another does, the fault is CodeThrottled. An attempt whose
	// outcome is unknown may be repeated.
	StartImport(ctx context.Context, imp Import) (ImportJob, Receipt, error)
	// PollImport asks what became of a job. Until it is done it may be asked
	// again, at a pace of some seconds. A job whose results are not to be had
	// any more is CodeNotFound: its lines have to be settled one by one.
	PollImport(ctx context.Context, job ImportJob) (ImportResult, Receipt, error)
	// Veil takes what an effect tells of its person out of a vendor's text.
	// A line's text comes as it is: whoever asks for a job need not have the
	// file.
	Veil(text string, e Effect) string
}

// ImportPlan says how effects are to be sent. Who is neither in a file nor
// refused goes by Apply.
type ImportPlan struct {
	Files   []Import
	Refused map[int]*orgflow.Fault // by index: must not be sent at all
	Calls   int                    // counted beside an error too
}

// Import is the content of one job.
type Import struct {
	Kind    string // the connector's
	File    []byte
	Effects []int    // index of each line's effect
	IDs     []string // consumer id of each line's record
}

// ImportJob is an import under way. Store it before anything else: its
// results can be asked for by its id only.
type ImportJob struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
}

// ImportResult is what a job says of itself.
type ImportResult struct {
	Done              bool
	Percentage, Total int
	Lines             []ImportLine // once it is done
}

// ImportLine is the outcome of one line.
type ImportLine struct {
	ID    string         // consumer id, in whatever case the consumer writes it
	Fault *orgflow.Fault // its message is not veiled
	// Again: Apply may do better with the record, or say more of it.
	Again bool
}
