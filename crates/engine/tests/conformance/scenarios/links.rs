//! Files with several names, with none, and names that lead elsewhere.

scenario!(
    link_and_unlink_publish,
    "
    write a.part one
    link a.part a
    rm a.part
    settle
    repeat 30
      write f$i.part x
      link f$i.part f$i
      rm f$i.part
    end
"
);

scenario!(
    a_second_name_in_another_directory,
    "
    mkdir d
    write a one
    settle
    link a d/b
    settle
    rm a
    known
    link d/b c
    rename c d/c
"
);

scenario!(
    a_name_from_outside,
    "
    write outside:a one
    link outside:a a
    settle
    rm outside:a
    settle
    append a more
"
);

// No event tells one name of what was written through another; a comparison does.
scenario!(
    written_through_another_name,
    "
    mkdir d
    write a one
    link a d/b
    settle
    append d/b more
    rescan
    write outside:o one
    link outside:o o
    settle
    append outside:o more
    append a evenmore
"
);

scenario!(
    a_nameless_file_gets_a_name,
    "
    tmpfile a content
    mkdir d
    tmpfile d/b other
    settle
    rm a
    tmpfile a again
"
);

scenario!(
    links_are_not_followed,
    "
    mkdir -p outside:d/e
    write outside:d/f one
    write outside:g two
    mkdir here
    write here/f three
    symlink ../outside/d tree
    symlink ../outside/g file
    symlink nowhere dangling
    symlink . loop
    symlink .. up
    symlink here/f inner
    symlink ../here here/again
    settle
    write outside:d/later none
    append outside:g more
    append here/f more
    settle
    rename tree here/tree
    rm loop
    rm file
    write file real
"
);

scenario!(
    a_link_takes_a_directory_s_place,
    "
    mkdir d
    mkdir outside:d
    write d/f one
    write outside:d/f other
    settle
    rename d outside:old
    symlink ../outside/d d
    write outside:d/g none
    settle
    rm d
    rename outside:old d
    write d/h two
"
);

scenario!(
    pipes_are_no_files,
    "
    fifo p
    write a one
    settle
    rm p
    write p file
"
);
