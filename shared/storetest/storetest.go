// Package storetest is the contract of rights.Store as tests. Both stores run it,
// so that what holds on one machine holds in the cloud.
package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rightful/rightful/shared/rights"
)

// Run runs the contract against fresh stores from open.
func Run(t *testing.T, open func(t *testing.T) rights.Store) {
	for name, test := range map[string]func(*testing.T, rights.Store){
		"Create/StoresEverythingAtOnce":      createStores,
		"Create/TakenIdIsConflict":           createTaken,
		"Create/SameKeyIsSameRequest":        createReplayed,
		"Create/SameKeyOtherBodyIsRefused":   createKeyReused,
		"Create/ConcurrentReplaysMakeOne":    createConcurrently,
		"Get/UnknownIsNotFound":              getUnknown,
		"Move/TwoMoversOneWins":              twoMovers,
		"Move/LoserChangesNothing":           loserChangesNothing,
		"Move/BringsEventsAndSignals":        moveBrings,
		"Move/SecondLineOfOneNumberIsNone":   moveWhole,
		"Move/OneCauseLeavesOneSignal":       oneCause,
		"Move/ReplacesPersonal":              movePersonal,
		"Ledger/ChainIsWhole":                ledgerWhole,
		"Ledger/EmptyDetailIsNone":           emptyDetail,
		"List/FiltersAndPages":               list,
		"List/OrderHoldsAcrossPages":         listOrder,
		"List/DueAndErasable":                listDates,
		"List/LimitIsKept":                   listLimit,
		"List/ForeignCursorIsInvalid":        foreignCursor,
		"Wave/LastOneLeavesTheSignal":        lastOneSignals,
		"Wave/EndersAtOnceLeaveOneSignal":    endersAtOnce,
		"Wave/OpenedAgainKeepsTasks":         openedAgain,
		"Wave/EmptyOneSignalsAtOnce":         emptyWave,
		"Wave/AllEndedSignalsAtOnce":         endedWave,
		"Wave/OpenedAgainTakesMore":          openedWithMore,
		"Wave/OfManyEndsOnce":                manyWave,
		"Task/MoreThanAPageHolds":            manyTasks,
		"Task/EndedIsConflict":               endedTask,
		"Task/TwoMoversOneWins":              twoTaskMovers,
		"Task/EndedLeavesTheDecisionOut":     endedDecision,
		"Task/DecisionIsOneTransaction":      decision,
		"Task/DueComesEarliestFirst":         dueTasks,
		"Signals/OldestFirstClearedTwice":    signals,
		"Limits/RefusesAndCountsNothing":     limits,
		"Limits/HoldAgainstACrowd":           crowd,
		"Preferences/AreKeptByTopic":         preferencesKept,
		"Preferences/NewestChoiceCounts":     preferencesAgain,
		"Preferences/LateOnesAreLate":        preferencesLate,
		"Preferences/OutliveAnErasure":       preferencesOutlive,
		"Preferences/ImportUndoesNothing":    preferencesImported,
		"Preferences/ManyAtOnceAreListed":    preferencesAtOnce,
		"News/IsPendingUntilTold":            newsPending,
		"News/SharedUntilChosenAnew":         newsShared,
		"News/NewerOneStays":                 newsOvertaken,
		"Suppression/IsReopened":             reopened,
		"Erase/LeavesNothing":                erase,
		"Erase/UnknownIsDone":                eraseUnknown,
		"Erase/LateWorkerIsRefused":          eraseBeforeWorker,
		"Times/AreWholeSecondsInUTC":         wholeSeconds,
		"Retry/AnswerLostEndsInTheSameState": answersLost,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

var at = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// newID makes the n-th id of a test.
func newID(n int) rights.ID {
	const letters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
	return rights.ID(fmt.Sprintf("DR-TEST-2222-%c%c%c%c", letters[n>>15&31], letters[n>>10&31], letters[n>>5&31], letters[n&31]))
}

func creation(n int) rights.Creation {
	personal := rights.Personal{Details: "old account", Subject: rights.Subject{Email: "ada@example.com", Name: "Ada Example", Country: "DE", Identifiers: map[string]string{"customer": "81"}}}
	r := rights.NewRequest(newID(n), rights.Erasure, personal, "subject-key", rights.DefaultRegimes(), at)
	line := r.Record(at, rights.ByPerson, rights.Received, map[string]string{"right": "erasure"})
	return rights.Creation{Request: r, Personal: personal, Events: []rights.Event{line}, Signals: []rights.Signal{rights.StartSignal(r.ID, at)}}
}

func create(t *testing.T, s rights.Store, n int) rights.Request {
	t.Helper()
	r, err := s.Create(t.Context(), creation(n))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func wantCode(t *testing.T, err error, code rights.Code) {
	t.Helper()
	if err == nil || rights.CodeOf(err) != code {
		t.Errorf("got error %v, want %s", err, code)
	}
}

func same(t *testing.T, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
