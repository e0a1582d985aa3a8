// SPDX-License-Identifier: MIT
import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import java.io.FileInputStream;
import java.util.Map;
import org.apache.arrow.c.ArrowArray;
import org.apache.arrow.c.ArrowSchema;
import org.apache.arrow.c.Data;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.Float8Vector;
import org.apache.arrow.vector.LargeVarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.ipc.ArrowFileReader;

/** Score LIBRARY MODEL POLICY RECORDS: scores an Arrow file and prints a line for each record. */
public final class Score implements AutoCloseable {
  /** Functions of tabscore/capi/c_api.h; addresses of Arrow structs are long. Any number of threads may call them. */
  interface Functions extends Library {
    String loan_default_last_error();
    int loan_default_open(int abi, String model, String policy, PointerByReference opened);
    void loan_default_close(Pointer model);
    int loan_default_record_schema(long schema);
    int loan_default_prediction_schema(Pointer model, long schema);
    int loan_default_score(Pointer model, long schema, long records, long predictions);
  }

  private final BufferAllocator memory = new RootAllocator();
  private final Functions library;
  private final PointerByReference model = new PointerByReference();

  Score(String path, String modelFile, String policy) {
    library = Native.load(path, Functions.class, Map.of(Library.OPTION_STRING_ENCODING, "UTF-8"));
    check(library.loan_default_open(1, modelFile, policy, model));
  }

  @Override public void close() {
    library.loan_default_close(model.getValue()); // when no thread scores
    memory.close();
  }

  private void check(int status) {
    if (status != 0) throw new IllegalArgumentException(library.loan_default_last_error()); // of this thread
  }

  /** The caller closes the predictions. */
  VectorSchemaRoot score(VectorSchemaRoot records) {
    try (ArrowArray in = ArrowArray.allocateNew(memory); ArrowSchema schema = ArrowSchema.allocateNew(memory);
        ArrowArray out = ArrowArray.allocateNew(memory); ArrowSchema columns = ArrowSchema.allocateNew(memory)) {
      check(library.loan_default_prediction_schema(model.getValue(), columns.memoryAddress()));
      Data.exportVectorSchemaRoot(memory, records, null, in, schema); // score releases both
      check(library.loan_default_score(model.getValue(), schema.memoryAddress(), in.memoryAddress(), out.memoryAddress()));
      return Data.importVectorSchemaRoot(memory, out, columns, null);
    }
  }

  public static void main(String[] arguments) throws Exception {
    try (Score model = new Score(arguments[0], arguments[1], arguments[2]);
        ArrowSchema schema = ArrowSchema.allocateNew(model.memory);
        ArrowFileReader file = new ArrowFileReader(new FileInputStream(arguments[3]).getChannel(), model.memory)) {
      model.check(model.library.loan_default_record_schema(schema.memoryAddress()));
      System.out.println(Data.importSchema(model.memory, schema, null));
      while (file.loadNextBatch()) {
        try (VectorSchemaRoot predictions = model.score(file.getVectorSchemaRoot())) {
          Float8Vector probability = (Float8Vector) predictions.getVector("probability");
          LargeVarCharVector error = (LargeVarCharVector) predictions.getVector("error");
          for (int row = 0; row < predictions.getRowCount(); ++row) {
            System.out.println(row + " " + probability.getObject(row) + " " + error.getObject(row));
          }
        }
      }
    }
  }
}
