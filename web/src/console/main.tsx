import { start } from "../platform/start";
import { Console } from "./page";

void start(Console);
