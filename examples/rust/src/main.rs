// SPDX-License-Identifier: MIT
//! score MODEL POLICY RECORDS: scores an Arrow file with libloan_default.so and prints a line for each record.
use arrow_array::ffi::{FFI_ArrowArray as CArray, FFI_ArrowSchema as CSchema, from_ffi, to_ffi};
use arrow_array::{Array, RecordBatch, StructArray, cast::AsArray, types::Float64Type};
use arrow_schema::Schema;
use std::error::Error;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::{env, fs::File, ptr};

#[link(name = "loan_default")]
unsafe extern "C" {
    fn loan_default_last_error() -> *const c_char;
    fn loan_default_open(abi: u32, m: *const c_char, p: *const c_char, o: *mut *mut c_void) -> c_int;
    fn loan_default_close(model: *mut c_void);
    fn loan_default_record_schema(out: *mut CSchema) -> c_int;
    fn loan_default_prediction_schema(model: *const c_void, out: *mut CSchema) -> c_int;
    fn loan_default_score(m: *const c_void, s: *mut CSchema, i: *mut CArray, o: *mut CArray) -> c_int;
}

fn check(status: c_int) -> Result<(), Box<dyn Error>> {
    match status {
        0 => Ok(()), // otherwise the thread's last error, until its next call
        _ => Err(unsafe { CStr::from_ptr(loan_default_last_error()) }.to_str()?.into()),
    }
}

/// A loaded model. Threads may share it: the functions are thread-safe, and it is dropped when no thread borrows it.
struct Model(*mut c_void);
unsafe impl Send for Model {}
unsafe impl Sync for Model {}
impl Drop for Model {
    fn drop(&mut self) {
        unsafe { loan_default_close(self.0) }
    }
}

impl Model {
    fn open(model: &str, policy: &str) -> Result<Model, Box<dyn Error>> {
        let (model, policy, mut handle) = (CString::new(model)?, CString::new(policy)?, ptr::null_mut());
        check(unsafe { loan_default_open(1, model.as_ptr(), policy.as_ptr(), &mut handle) })?;
        Ok(Model(handle))
    }

    fn score(&self, records: RecordBatch) -> Result<StructArray, Box<dyn Error>> {
        // score() releases the records and empties both structs, so that their destructors find nothing to do.
        let (mut array, mut schema) = to_ffi(&StructArray::from(records).into_data())?;
        let (mut predictions, mut columns) = (CArray::empty(), CSchema::empty());
        check(unsafe { loan_default_prediction_schema(self.0, &mut columns) })?;
        check(unsafe { loan_default_score(self.0, &mut schema, &mut array, &mut predictions) })?;
        Ok(StructArray::from(unsafe { from_ffi(predictions, &columns) }?)) // released when the last column is dropped
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().collect();
    let model = Model::open(&arguments[1], &arguments[2])?;
    let mut schema = CSchema::empty();
    check(unsafe { loan_default_record_schema(&mut schema) })?;
    for field in Schema::try_from(&schema)?.fields() {
        println!("{field}");
    }
    for records in arrow_ipc::reader::FileReader::try_new(File::open(&arguments[3])?, None)? {
        let predictions = model.score(records?)?;
        let probability = predictions.column(0).as_primitive::<Float64Type>();
        let error = predictions.column(3).as_string::<i64>();
        for (row, (number, error)) in probability.iter().zip(error).enumerate() {
            let number = number.map_or("null".into(), |n| n.to_string());
            println!("{row} {number} {}", error.unwrap_or("null"));
        }
    }
    Ok(())
}
