//! Many at once.

scenario!(
    a_burst,
    "
    repeat 2000
      write f$i x
    end
"
);

scenario!(
    a_burst_over_directories,
    "
    repeat 100
      mkdir d$i
      write d$i/a x
      write d$i/b.part y
      rename d$i/b.part d$i/b
      write d$i/c z
      rm d$i/a
    end
    known
    repeat 50
      rm -r d$i
    end
"
);
