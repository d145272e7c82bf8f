//! Single files.

scenario!(
    create,
    "
    write a hello
    settle
    write b
    write c {x*100000}
"
);

scenario!(
    rewrite_in_place,
    "
    write a one
    settle
    write a three
    settle
    append a more
    settle
    write a three
"
);

// The directory's own time is old by then, and says nothing of its files.
scenario!(
    rewritten_in_an_old_directory,
    "
        mkdir d
        write d/f one
        settle
        old d
        append d/f more
        settle
        write d/g two
    "
);

// Each rewrite overtakes the news of the one before.
scenario!(
    rewrite_at_once,
    "
    repeat 50
      write a {x*1}$i
      append a more$i
    end
    settle
    write a last
"
);

scenario!(
    rename_over,
    "
    write a OLD
    settle
    repeat 20
      write b.part NEW$i
      rename b.part a
    end
    settle
    write c other
    rename c a
"
);

scenario!(
    rename_within_and_across_directories,
    "
    mkdir d
    mkdir e
    write d/a one
    settle
    rename d/a d/b
    known
    rename d/b e/a
    settle
    rename e/a d/a
    write e/x two
    rename e/x x
    rename x d/x
    rename d/x e/x
"
);

scenario!(
    move_a_file_out_and_in,
    "
    write outside:a one
    rename outside:a a
    settle
    rename a outside:a
    known
    append outside:a more
    rename outside:a a
    settle
    rename a outside:b
"
);

scenario!(
    delete_and_recreate,
    "
    write a one
    settle
    rm a
    write a other
    settle
    rm a
    known
    write a again
    settle
    repeat 30
      rm a
      write a again$i
    end
    rm a
"
);

scenario!(
    times_and_permissions,
    "
    write a one
    write b two
    settle
    chmod 600 a
    touch b
    settle
    append b more
    touch b
"
);

scenario!(
    exchange_of_two_files,
    "
    write a one
    write b longer
    settle
    exchange a b
    known
    mkdir d
    write d/a x
    exchange d/a b
    repeat 7
      exchange a b
    end
"
);

scenario!(
    a_writer_that_stays,
    "
    open a half
    write b whole
    settle
    more a more
    settle
    close a
    settle
    open a again
    settle
    close a
"
);

scenario!(
    open_over_a_rename,
    "
    mkdir d
    open a.part half
    open b half
    settle
    rename a.part a
    rename b d/b
    settle
    more a.part rest
    more b rest
    settle
    close a.part
    close b
    settle
    open a
    rename a d/a
    rename d e
    close a
"
);

// What replaces an open file is announced, its writer notwithstanding.
scenario!(
    replaced_while_open,
    "
    open a half
    write n new
    rename n a
    settle
    close a
    open b half
    rm b
    write b other
    settle
    close b
"
);
