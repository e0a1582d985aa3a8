// SPDX-License-Identifier: MIT
// score MODEL POLICY RECORDS: scores an Arrow file with libloan_default.so and prints a line for each record.
package main

/*
#cgo CFLAGS: -I${SRCDIR}/../../include
#cgo LDFLAGS: -lloan_default
#include <tabscore/capi/c_api.h>
TABSCORE_C_DECLARE(loan_default);
// Go has its own types for the structs of Arrow.
static int records_are(void* schema) { return loan_default_record_schema(schema); }
static int predictions_are(tabscore_model* m, void* schema) { return loan_default_prediction_schema(m, schema); }
static int score(tabscore_model* m, void* schema, void* in, void* out) { return loan_default_score(m, schema, in, out); }
*/
import "C"

import (
	"errors"
	"fmt"
	"log"
	"os"
	"runtime"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/cdata"
	"github.com/apache/arrow-go/v18/arrow/ipc"
)

// call locks the thread: the library's last error is that of the thread.
func call(f func() C.int) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if f() != C.TABSCORE_OK {
		return errors.New(C.GoString(C.loan_default_last_error()))
	}
	return nil
}

// score may be called by any number of goroutines at once. The caller releases the predictions.
func score(model *C.tabscore_model, records arrow.RecordBatch) (arrow.RecordBatch, error) {
	var in, out cdata.CArrowArray
	var schema, columns cdata.CArrowSchema
	cdata.ExportArrowRecordBatch(records, &in, &schema) // C.score releases both
	C.predictions_are(model, unsafe.Pointer(&columns))
	s, i, o := unsafe.Pointer(&schema), unsafe.Pointer(&in), unsafe.Pointer(&out)
	if err := call(func() C.int { return C.score(model, s, i, o) }); err != nil {
		return nil, err
	}
	return cdata.ImportCRecordBatch(&out, &columns) // takes both over
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	var model *C.tabscore_model
	must(0, call(func() C.int { return C.loan_default_open(1, C.CString(os.Args[1]), C.CString(os.Args[2]), &model) }))
	defer C.loan_default_close(model) // when no goroutine uses it
	var schema cdata.CArrowSchema
	C.records_are(unsafe.Pointer(&schema))
	fmt.Println(must(cdata.ImportCArrowSchema(&schema)))
	file := must(ipc.NewFileReader(must(os.Open(os.Args[3]))))
	for batch := range file.NumRecords() {
		predictions := must(score(model, must(file.RecordBatchAt(batch))))
		probability, wrong := predictions.Column(0).(*array.Float64), predictions.Column(3).(*array.LargeString)
		for row := range int(predictions.NumRows()) {
			fmt.Println(row, probability.ValueStr(row), wrong.ValueStr(row))
		}
		predictions.Release()
	}
}
